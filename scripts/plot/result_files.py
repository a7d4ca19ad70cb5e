"""What the plot.py of all tools share: reading result JSON, saving pictures, errors of one line with the design's exit codes."""

import json
import pathlib
import sys

USAGE, BAD_DATA, MISSING, CANNOT_CREATE = 64, 65, 66, 73


class PlotError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def read_result(path, tool, subcommands):
    """A result of one of the tool's subcommands, from a file or '-' (stdin); its `subcommand` is an entry more."""
    try:
        text = sys.stdin.read() if path == "-" else pathlib.Path(path).read_text()
    except IsADirectoryError as e:
        raise PlotError(MISSING, f"{path}: is a folder, expected a result such as {pathlib.Path(path) / 'result.json'}") from e
    except OSError as e:
        raise PlotError(MISSING, f"{path}: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise PlotError(BAD_DATA, f"{path}: no JSON (found bytes that are no text)") from e
    try:
        result = json.loads(text)
    except ValueError as e:
        raise PlotError(BAD_DATA, f"{path}: no JSON ({e})") from e
    schema = result.get("schema") if isinstance(result, dict) else None
    if schema not in [f"{tool}.{name}/1" for name in subcommands]:
        raise PlotError(BAD_DATA, f"{path}: found schema {schema}, expected {tool}.NAME/1, NAME of {', '.join(subcommands)}")
    result["subcommand"] = schema.split(".")[1].split("/")[0]
    return result


def picture_path(out, results, tool):
    """--out, or TOOL.png beside the first result; refuses what is no PNG or SVG, and stdin twice."""
    if results.count("-") > 1:
        raise PlotError(USAGE, "'-': stdin can be read once")
    folder = pathlib.Path() if results[0] == "-" else pathlib.Path(results[0]).parent
    path = pathlib.Path(out or folder / f"{tool}.png")
    if path.suffix not in (".png", ".svg"):
        raise PlotError(USAGE, f"--out: found '{path}', expected a name that ends with .png or .svg")
    return path


def save(figure, out, dpi):
    try:
        figure.savefig(out, dpi=dpi)
    except OSError as e:
        raise PlotError(CANNOT_CREATE, f"{out}: {e.strerror}") from e


def run(parser, body):
    """Calls body(arguments); every PlotError becomes one line on stderr and an exit code."""
    try:
        arguments = parser.parse_args()
    except SystemExit as e:
        sys.exit(USAGE if e.code else 0)
    try:
        body(arguments)
    except PlotError as e:
        print(f"plot.py: error: {e}", file=sys.stderr)
        sys.exit(e.code)
