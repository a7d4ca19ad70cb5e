"""What the command-line tests of prequential-icl share: small runs, and how two of them are compared."""

import json
import pathlib
import sys

import tool_case

TOOL = tool_case.Tool(*sys.argv[1:4])
PLOT = pathlib.Path(sys.argv[4]).resolve()
run = TOOL.run
QUIET = ["--threads", "1", "--quiet"]
SIZES = {"n-tasks": 64, "n-val-tasks": 32, "n-samples": 8}
MODEL = {"h-dim": 16, "n-layers": 1, "z-dim": 8, "pred-h-dim": 16, "batch-size": 16, "steps": 6}
FITS = {"fits": 8, "n-max": 30, "n-test": 20, "h-dim": 16, "epochs": 20}
OF_FILE = {"n_tasks": None, "n_val_tasks": None, "n_samples": None}  # a file says its own sizes
MASTERMIND = {"task": "mastermind", "code-length": 4, "colours": 4}


def options(values):
    return [word for name, value in values.items() if value is not None for word in
            ([f"--{name}"] if value is True else [f"--{name}", str(value)])]


def train(**more):
    return ["train", *QUIET, *options({**SIZES, **MODEL, **{k.replace("_", "-"): v for k, v in more.items()}})]


def sgd(**more):
    return ["sgd", *QUIET, *options({**FITS, **{k.replace("_", "-"): v for k, v in more.items()}})]


def baseline(**more):
    return ["baseline", *QUIET, *options({**SIZES, **{k.replace("_", "-"): v for k, v in more.items()}})]


def comparable(path):
    return tool_case.comparable(path, timed=["tokens_per_s", "fits_per_s"])


def curve(result, name="eval_curve"):
    return result["series"][name]["columns"]


class Case(tool_case.Case):
    tool = TOOL

    def result(self, args):
        result = json.loads(self.done(*args).stdout)
        self.validate(result)
        return result

    def warned(self, *words, args):
        done = self.done(*args)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("prequential-icl: warning: "), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def same_runs(self, a, b):
        a, b = self.folder / a, self.folder / b
        self.assertEqual((a / "metrics.jsonl").read_bytes(), (b / "metrics.jsonl").read_bytes())
        self.assertEqual(comparable(a / "result.json"), comparable(b / "result.json"))

    def same_weights(self, a, b):
        files = []
        for name in (a, b):
            checkpoints = self.folder / name / "checkpoints"
            files.append((checkpoints / (checkpoints / "latest").read_text().strip() / "model.safetensors").read_bytes())
        self.assertEqual(*files)

    def generated(self, name="tasks.safetensors", **more):
        path = self.folder / name
        result = self.result(["gen", *QUIET, *options({**SIZES, **{k.replace("_", "-"): v for k, v in more.items()}}),
                              "--save-path", path])
        self.assertEqual(result["data"]["file"], str(path))
        return path
