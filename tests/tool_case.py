"""What the command-line tests of all tools share: calling a tool, and what every tool promises its user."""

import json
import os
import pathlib
import random
import subprocess
import tempfile
import time
import unittest

import jsonschema

LONG = os.environ.get("TENFOLD_LONG") == "1"
KILLS = 20 if LONG else 3
TIMES = {"started", "finished", "wall_s", "cpu_s", "peak_rss_mib", "command", "version"}
PLACES = ("out", "resume", "save-path", "data-out", "json")


class Tool:
    def __init__(self, path, schema, envelope):
        self.path, self.schema, self.envelope = (pathlib.Path(p).resolve() for p in (path, schema, envelope))

    def run(self, *args, timeout=120, **kwargs):
        return subprocess.run([self.path, *map(str, args)], capture_output=True, text=True, timeout=timeout, **kwargs)

    def start(self, *args):
        return subprocess.Popen([self.path, *map(str, args)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def comparable(path, timed=()):
    """A result without what may differ between two runs: times, metrics that begin with one of `timed`, and places."""
    result = {k: v for k, v in json.loads(pathlib.Path(path).read_text()).items() if k not in TIMES}
    for key in PLACES:
        result["config"].pop(key, None)
    result["metrics"] = {k: v for k, v in result["metrics"].items() if not k.startswith(tuple(timed))}
    for table in result.get("tables", {}).values():
        if "seconds" in table["columns"]:
            column = table["columns"].index("seconds")
            for row in table["rows"]:
                row[column] = None
    return result


class Case(unittest.TestCase):
    tool: Tool

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def done(self, *args, **kwargs):
        """Runs the tool, which must succeed."""
        done = self.tool.run(*args, **kwargs)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def refused(self, code, *words, args):
        done = self.tool.run(*args)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith(f"{self.tool.path.name}: error: "), lines[0])
        for word in words:
            self.assertIn(word, lines[0])

    def killed_at_random(self, folder, args_for, whole_s):
        """Kills -9 some runs at random moments and resumes them; args_for(name) gives the arguments of one, which takes
        `whole_s` seconds when it is left alone."""
        rng = random.Random(len(folder))
        for trial in range(KILLS):
            name = f"{folder}-{trial}"
            process = self.tool.start(*args_for(name))
            time.sleep(rng.uniform(0.05, whole_s))
            process.kill()
            process.wait()
            yield name, self.tool.run(*args_for(name), "--resume", "auto")

    def validate(self, result):
        envelope, schema = (json.loads(p.read_text()) for p in (self.tool.envelope, self.tool.schema))
        jsonschema.Draft202012Validator(envelope).validate(result)
        rest = {**schema, "allOf": schema["allOf"][1:]}
        jsonschema.Draft202012Validator(rest).validate(result)
