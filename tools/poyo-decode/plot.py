"""Draws result.json files of poyo-decode: R2 by session, and how it and the loss went during training."""

import argparse
import json
import pathlib
import sys

import numpy as np

USAGE, BAD_DATA, MISSING, CANNOT_CREATE = 64, 65, 66, 73
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")


class PlotError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def read(path):
    try:
        text = sys.stdin.read() if path == "-" else pathlib.Path(path).read_text()
    except OSError as e:
        raise PlotError(MISSING, f"{path}: {e.strerror}") from e
    try:
        result = json.loads(text)
    except ValueError as e:
        raise PlotError(BAD_DATA, f"{path}: no JSON ({e})") from e
    schema = result.get("schema") if isinstance(result, dict) else None
    if schema not in [f"poyo-decode.{name}/1" for name in ("train", "eval", "baseline")]:
        raise PlotError(BAD_DATA, f"{path}: found schema {schema}, expected poyo-decode.NAME/1, NAME of train, eval, baseline")
    if "sessions" not in result.get("tables", {}):
        raise PlotError(BAD_DATA, f"{path}: found no table sessions, expected scores (a dry run has none)")
    result["subcommand"] = schema.split(".")[1].split("/")[0]
    return result


def label_of(result, path):
    if result["subcommand"] == "baseline":
        return {"wiener": "Wiener filter", "ridge": "ridge"}.get(result["config"]["method"], result["config"]["method"])
    name = pathlib.Path(path).parent.name
    return f"POYO ({name})" if name else "POYO"


def scores_by_session(result):
    table = result["tables"]["sessions"]
    session, r2 = (table["columns"].index(c) for c in ("session", "r2"))
    scores = {}
    for row in table["rows"]:
        scores.setdefault(row[session], []).append(np.nan if row[r2] is None else row[r2])
    return scores


def draw_sessions(axes, results, paths):
    sessions = list(dict.fromkeys(s for r in results for s in scores_by_session(r)))
    width = 0.8 / len(results)
    for i, (result, path) in enumerate(zip(results, paths)):
        scores = scores_by_session(result)
        at, means, spreads = [], [], []
        for k, session in enumerate(sessions):
            if session not in scores:
                continue
            values = np.array(scores[session], dtype=float)
            at.append(k + (i - (len(results) - 1) / 2) * width)
            means.append(values.mean())
            spreads.append(values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0)
        metric = result["metrics"]["r2"]["value"]
        mean = "" if metric is None else f", mean {metric:.3f}"
        axes.bar(at, means, width * 0.95, yerr=spreads if any(spreads) else None, color=COLOURS[i % len(COLOURS)],
                 label=label_of(result, path) + mean + (" (partial)" if result["status"] == "partial" else ""))
    axes.set_xticks(range(len(sessions)), sessions, rotation=30, ha="right", fontsize=8)
    axes.set_ylabel("R2 on held-out trials")
    axes.set_ylim(min(0, axes.get_ylim()[0]), 1)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=8, loc="lower left")


def draw_training(axes, results, paths):
    other = axes.twinx()
    for i, (result, path) in enumerate(zip(results, paths)):
        curves = result.get("series", {})
        names = [n for n in curves if n.startswith("train_curve/")] or [n for n in curves if n == "train_curve"]
        for name in names:
            columns = curves[name]["columns"]
            colour = COLOURS[i % len(COLOURS)]
            axes.plot(columns["step"], np.array(columns["train_loss"], dtype=float), color=colour, lw=1, ls="--")
            other.plot(columns["step"], np.array(columns["val_r2"], dtype=float), color=colour, lw=1.5,
                       label=label_of(result, path) if name == names[0] else None)
    axes.set_xlabel("step")
    axes.set_ylabel("training loss (dashed)")
    axes.set_ylim(bottom=0)
    other.set_ylabel("R2 on validation trials (solid)")
    other.set_ylim(top=1)
    if other.get_legend_handles_labels()[1]:
        other.legend(fontsize=8, loc="center right")


def draw(results, paths, out):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.fonttype"] = "none"
    trained = [(r, p) for r, p in zip(results, paths) if "train_curve" in r.get("series", {})]
    figure, axes = pyplot.subplots(1, 2 if trained else 1, figsize=(12 if trained else 7, 4.5), squeeze=False, layout="constrained")
    draw_sessions(axes[0, 0], results, paths)
    if trained:
        draw_training(axes[0, 1], *zip(*trained))
    try:
        figure.savefig(out, dpi=120)
    except OSError as e:
        raise PlotError(CANNOT_CREATE, f"{out}: {e.strerror}") from e


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", metavar="RESULT.json", help="of train, eval or baseline; '-': stdin")
    parser.add_argument("--out", metavar="FILE", help="PNG or SVG (default: poyo-decode.png beside the first result)")
    try:
        args = parser.parse_args()
    except SystemExit as e:
        sys.exit(USAGE if e.code else 0)
    try:
        if args.results.count("-") > 1:
            raise PlotError(USAGE, "'-': stdin can be read once")
        first = pathlib.Path(args.results[0])
        out = pathlib.Path(args.out or (first.parent if args.results[0] != "-" else pathlib.Path()) / "poyo-decode.png")
        if out.suffix not in (".png", ".svg"):
            raise PlotError(USAGE, f"--out: found '{out}', expected a name that ends with .png or .svg")
        draw([read(p) for p in args.results], args.results, out)
    except PlotError as e:
        print(f"plot.py: error: {e}", file=sys.stderr)
        sys.exit(e.code)


if __name__ == "__main__":
    main()
