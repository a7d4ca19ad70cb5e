"""What the command-line tests of samba-align share: a small simulation, and a training that takes seconds."""

import json
import pathlib
import sys

import tool_case

TOOL = tool_case.Tool(*sys.argv[1:4])
PLOT = pathlib.Path(sys.argv[4]).resolve()
QUIET = ["--quiet", "--threads", "1"]
SMALL = {"preset": "small", "patches": 2, "hrf-hidden": "8,8", "iterations": 6, "batch-size": 4, "eval-every": 3,
         "checkpoint-every": 2, "dense": 16}


def options(values):
    return [word for name, value in values.items() if value is not None for word in
            ([f"--{name}"] if value is True else [f"--{name}", str(value)])]


def named(more):
    return {k.replace("_", "-"): v for k, v in more.items()}


def simulate(out, **more):
    values = {"preset": "small", "minutes": 12, "ele-parcels": 4, "hemo-parcels": 8, "out": out}
    return ["simulate", "--quiet", *options({**values, **named(more)})]


def rows(result, name="parcels"):
    table = result["tables"][name]
    return [dict(zip(table["columns"], row)) for row in table["rows"]]


def comparable(path):
    return tool_case.comparable(path)


class Case(tool_case.Case):
    tool = TOOL

    def setUp(self):
        super().setUp()
        self.data = self.folder / "sim"
        self.done(*simulate(self.data))

    def train(self, out, **more):
        return ["train", *QUIET, *options({**SMALL, "data": self.data, "out": self.folder / out, **named(more)})]

    def result(self, args):
        result = json.loads(self.done(*args).stdout)
        self.validate(result)
        return result
