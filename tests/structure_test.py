"""The rules of CONTRIBUTING.md about who may include whom, and where names and sizes end."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv[1]).resolve().parent  # WORKSPACE is a link into the checkout

# A folder of common/ includes itself and the folders of the lines above its own.
LAYERS = [{"core"}, {"log", "io"}, {"data", "kernels", "stats"}, {"nn"}, {"train"}, {"cli", "bench"}]
LEVEL = {folder: level for level, folders in enumerate(LAYERS) for folder in folders}

LONGEST_FILE = 600  # lines
LONGEST_MAIN = 60
LONGEST_LINE = 100

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.M)
TORCH = re.compile(r"^(torch|ATen|c10)/")
JSON_OR_CLI11 = re.compile(r"^(nlohmann|CLI)/")


def is_test(path: str) -> bool:
    return bool(re.search(r"(_test\.(cc|cu)|_for_test\.(cc|h)|_fuzz\.cc)$", path)) or path.startswith("common/testing/")


def include_problem(path: str, included: str) -> str | None:
    """Why the file `path` may not include `included`; None where it may."""
    here, there = path.split("/"), included.split("/")
    header = path.endswith(".h")
    if there[0] == "tools" and (here[0] != "tools" or here[1] != there[1]):
        return "a tool is included from outside its folder"
    if JSON_OR_CLI11.match(included) and header:
        return "nlohmann/json and CLI11 stay in .cc files"
    if TORCH.match(included):
        if included == "torch/torch.h" and header:
            return "the whole of torch in a header"
        if here[:2] == ["common", "io"] or (header and here[:2] in (["common", "core"], ["common", "log"])):
            return "torch below the tensor layers"
        if path.endswith(("_body.h", "_cuda.cu", "_cpu.cc")) and here[:2] == ["common", "kernels"]:
            return "a kernel's arithmetic knows torch"
    if here[0] == "common" and there[0] == "common" and here[1] != there[1] and not is_test(path):
        if LEVEL.get(there[1], 99) >= LEVEL.get(here[1], 99):
            return f"{there[1]} is not below {here[1]}"
    return None


def sources() -> dict[str, str]:
    found = {}
    for top in ("common", "tools"):
        for path in (ROOT / top).rglob("*"):
            if path.suffix in (".cc", ".h", ".cu"):
                found[str(path.relative_to(ROOT))] = path.read_text()
    return found


class Structure(unittest.TestCase):
    def setUp(self):
        self.sources = sources()
        self.assertGreater(len(self.sources), 100, f"{ROOT}: is this the checkout?")

    def none_of(self, problems):
        self.assertEqual([], sorted(problems))

    def test_every_include_points_downward(self):
        self.none_of(f"{path} includes {name}: {why}" for path, text in self.sources.items()
                     for name in INCLUDE.findall(text) if (why := include_problem(path, name)))

    def test_the_rules_refuse_what_they_name(self):
        for path, included in [
            ("common/core/a.h", "common/io/file.h"), ("common/log/a.cc", "common/io/file.h"),
            ("common/io/a.cc", "common/data/tensor_io.h"), ("common/nn/a.h", "common/train/loop.h"),
            ("common/train/a.cc", "common/cli/tool.h"), ("common/cli/a.cc", "tools/x/model.h"),
            ("tools/y/a.cc", "tools/x/model.h"), ("common/io/a.cc", "ATen/Tensor.h"),
            ("common/core/a.h", "ATen/Tensor.h"), ("common/nn/a.h", "torch/torch.h"),
            ("common/kernels/x_body.h", "ATen/Tensor.h"), ("tools/x/a.h", "nlohmann/json.hpp"),
            ("common/cli/a.h", "CLI/CLI.hpp"), ("common/core/a.cc", "common/unknown/b.h"),
        ]:
            self.assertIsNotNone(include_problem(path, included), f"{path} includes {included}")
        for path, included in [
            ("common/train/a.cc", "common/kernels/adamw.h"), ("tools/x/a.cc", "tools/x/b.h"),
            ("common/core/a.cc", "ATen/Context.h"), ("common/cli/a.cc", "CLI/CLI.hpp"),
            ("common/log/a_test.cc", "common/io/file.h"),
        ]:
            self.assertIsNone(include_problem(path, included), f"{path} includes {included}")

    def test_files_are_named_and_sized_as_agreed(self):
        problems = []
        for path, text in self.sources.items():
            name, lines = pathlib.Path(path).stem, text.splitlines()
            limit = LONGEST_MAIN if path.endswith("/main.cc") else LONGEST_FILE
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                problems.append(f"{path}: expected snake_case")
            if len(lines) > limit:
                problems.append(f"{path}: {len(lines)} lines, expected at most {limit}")
            problems += [f"{path}:{i}: {len(line)} columns" for i, line in enumerate(lines, 1)
                         if len(line) > LONGEST_LINE]
            if path.endswith(".h") and "#pragma once" not in text:
                problems.append(f"{path}: no #pragma once")
            if not path.endswith("/main.cc") and "namespace tenfold" not in text and not is_test(path) \
                    and "TENFOLD_" not in text and 'extern "C"' not in text:
                problems.append(f"{path}: outside namespace tenfold")
        self.none_of(problems)

    def test_every_tool_has_its_parts(self):
        parts = ["main.cc", "config.h", "train.cc", "eval.cc", "report.cc", "plot.py", "schema.json", "BUILD", "README.md"]
        self.none_of(f"{tool.name}: no {part}" for tool in (ROOT / "tools").iterdir() if tool.is_dir()
                     for part in parts if not (tool / part).exists())

    def test_nothing_names_a_machine_or_is_left_for_later(self):
        pattern = re.compile(r"(^|[\s\"'(=])/(work|root)/|\b(TODO|FIXME|XXX|HACK)\b")
        self.none_of(f"{path}:{i}: {line.strip()}" for path, text in self.sources.items()
                     for i, line in enumerate(text.splitlines(), 1) if pattern.search(line))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
