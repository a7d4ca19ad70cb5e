"""nino-nowcast as a user meets it: results, schemas, bad input, kill and resume, signals."""

import gzip
import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import jsonschema

TOOL, TOOL_SCHEMA, ENVELOPE = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:4])
DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
LONG = os.environ.get("TENFOLD_LONG") == "1"
TINY = ["--task", "custom", "--image-size", "14", "--hidden", "8", "--threads", "1", "--quiet"]
TRAIN = ["train", *TINY, "--seed", "1000", "--nowcaster", "none,nino", "--period", "50", "--max-train-steps", "300",
         "--eval-every", "50", "--checkpoint-every", "60", "--target", "70", "--after-target", "continue"]
TIMES = {"started", "finished", "wall_s", "cpu_s", "command", "version"}


def run(*args, timeout=120, **kwargs):
    return subprocess.run([TOOL, *map(str, args)], capture_output=True, text=True, timeout=timeout, **kwargs)


def comparable(path):
    """A result without what may differ between two runs: times, and the folder's own name."""
    result = {k: v for k, v in json.loads(pathlib.Path(path).read_text()).items() if k not in TIMES}
    for key in ("out", "resume", "save-path"):
        result["config"].pop(key, None)
    seconds = result.get("tables", {}).get("nowcasts", {})
    if seconds:
        column = seconds["columns"].index("seconds")
        for row in seconds["rows"]:
            row[column] = None
    return result


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def refused(self, code, *words, args):
        done = run(*args)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("nino-nowcast: error: "), lines[0])
        for word in words:
            self.assertIn(word, lines[0])

    def validate(self, result):
        envelope, schema = (json.loads(pathlib.Path(p).read_text()) for p in (ENVELOPE, TOOL_SCHEMA))
        jsonschema.Draft202012Validator(envelope).validate(result)
        rest = {**schema, "allOf": schema["allOf"][1:]}
        jsonschema.Draft202012Validator(rest).validate(result)


class Usage(Case):
    def test_the_nearest_option_is_suggested(self):
        self.refused(64, "--perid", "--period", args=["train", "--perid", "5"])

    def test_values_out_of_range_name_the_range(self):
        self.refused(64, "--seed", "-1", "0", args=["train", "--seed", "-1"])
        self.refused(64, "--period", "1", args=["train", "--period", "1"])
        self.refused(64, "--lr", "abc", args=["train", "--lr", "abc"])
        self.refused(64, "--lr", "1e999", args=["train", "--lr", "1e999"])
        self.refused(64, "--period", "--ctx", args=["train", "--period", "4", "--ctx", "5"])

    def test_an_unknown_key_in_the_file_is_refused_with_its_line(self):
        config = self.folder / "c.toml"
        config.write_text("# comment\nperiod = 500\nperoid = 1\n")
        self.refused(64, "c.toml:3", "peroid", "period", args=["train", "--config", config])
        self.refused(66, "nothing.toml", args=["train", "--config", self.folder / "nothing.toml"])

    def test_a_printed_configuration_reads_back(self):
        first = run("train", "--preset", "small", "--lr", "0.002", "--print-config")
        config = self.folder / "c.toml"
        config.write_text(first.stdout)
        self.assertIn("lr = 0.002", first.stdout)
        self.assertEqual(run("train", "--config", config, "--print-config").stdout, first.stdout)

    def test_the_command_line_wins_over_environment_file_and_preset(self):
        config = self.folder / "c.toml"
        config.write_text("period = 500\n")
        args = ["train", "--preset", "small", "--config", config, "--print-config"]
        environment = {**os.environ, "TENFOLD_PERIOD": "600"}
        self.assertIn("period = 500\n", run(*args).stdout)
        self.assertIn("period = 600\n", run(*args, env=environment).stdout)
        self.assertIn("period = 700\n", run(*args, "--period", "700", env=environment).stdout)

    def test_help_tells_default_unit_range_and_variable(self):
        text = run("train", "--help").stdout
        for word in ("--period", "default: 1000", "unit: steps", "TENFOLD_PERIOD", "range: 2..", "small, paper"):
            self.assertIn(word, text)

    def test_completion_names_subcommands_and_options(self):
        script = run("completion", "bash").stdout
        self.assertIn("train-nino", script)
        self.assertIn("--edge-sample-ratio", script)
        self.assertEqual(subprocess.run(["bash", "-n"], input=script, text=True).returncode, 0)


class BadInput(Case):
    def test_missing_data_name_the_package(self):
        self.refused(66, "dataset-fashion-mnist", args=[*TRAIN, "--data-dir", self.folder])

    @unittest.skipUnless(DATA.exists(), "dataset-fashion-mnist is not installed")
    def test_a_truncated_or_damaged_image_file_is_refused(self):
        for name in ("train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
            (self.folder / name).write_bytes((DATA / name).read_bytes())
        whole = (DATA / "train-images-idx3-ubyte.gz").read_bytes()
        images = self.folder / "train-images-idx3-ubyte.gz"
        images.write_bytes(whole[:100000])
        self.refused(65, "train-images", "truncated", args=[*TRAIN, "--data-dir", self.folder])
        images.write_bytes(gzip.compress(struct.pack(">IIII", 0x801, 1, 28, 28)))
        self.refused(65, "magic", "0x00000803", args=[*TRAIN, "--data-dir", self.folder])

    def test_a_missing_checkpoint_and_a_pickle_are_refused(self):
        self.refused(66, "nothing.safetensors", args=[*TRAIN, "--ckpt", self.folder / "nothing.safetensors"])
        pickle = self.folder / "nino.pt"
        pickle.write_bytes(b"PK\x03\x04rest of a zip file")
        self.refused(65, "pickle", "safetensors", args=[*TRAIN, "--ckpt", pickle])

    def test_an_unusable_out_is_refused(self):
        blocker = self.folder / "file"
        blocker.write_text("")
        self.refused(73, str(blocker), args=[*TRAIN, "--out", blocker / "run"])

    def test_an_architecture_with_a_fault_is_refused_by_name(self):
        arch = self.folder / "a.json"
        out = self.folder / "g.safetensors"
        arch.write_text(json.dumps({"params": [{"name": "fc.0.weight", "shape": [4, 4]},
                                               {"name": "fc.2.weight", "shape": [3, 5]}]}))
        self.refused(65, "fc.2.weight", args=["graph", "--arch", arch, "--out", out])
        arch.write_text(json.dumps({"params": [{"name": "fc.0.weight", "shape": [2, 2]}]}))
        self.refused(65, args=["graph", "--arch", arch, "--out", out])
        self.assertFalse(out.exists())


@unittest.skipUnless(DATA.exists(), "dataset-fashion-mnist is not installed")
class Runs(Case):
    def train(self, out, *more, **kwargs):
        return run(*TRAIN, "--out", self.folder / out, *more, **kwargs)

    def same(self, a, b):
        a, b = self.folder / a, self.folder / b
        self.assertEqual((a / "metrics.jsonl").read_bytes(), (b / "metrics.jsonl").read_bytes())
        self.assertEqual(comparable(a / "result.json"), comparable(b / "result.json"))
        last = (a / "checkpoints/latest").read_text().strip()
        self.assertEqual((a / "checkpoints" / last / "model.safetensors").read_bytes(),
                         (b / "checkpoints" / last / "model.safetensors").read_bytes())

    def test_a_run_prints_a_valid_result_and_repeats_to_the_byte(self):
        first = self.train("a")
        self.assertEqual(first.returncode, 0, first.stderr)
        result = json.loads(first.stdout)
        self.validate(result)
        self.assertEqual(first.stdout, (self.folder / "a/result.json").read_text())
        self.assertEqual({r[0] for r in result["tables"]["nowcasts"]["rows"]}, {"nino"})
        curves = result["series"]
        # The runs of one seed are the same until the first nowcast, at step 50.
        self.assertNotEqual(curves["nino/1000"]["columns"]["test_acc"], curves["none/1000"]["columns"]["test_acc"])
        self.train("b")
        self.same("a", "b")
        again = self.train("a")
        self.assertEqual(again.returncode, 73)

    def test_a_second_process_on_the_same_folder_is_refused(self):
        long_run = subprocess.Popen([TOOL, "train", *TINY, "--max-train-steps", "1000000", "--nowcaster", "none", "--out",
                                     str(self.folder / "a")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not (self.folder / "a/run.json").exists():
                time.sleep(0.05)
            second = self.train("a", "--resume", "auto")
            self.assertEqual(second.returncode, 73)
            self.assertIn(str(long_run.pid), second.stderr)
        finally:
            long_run.send_signal(signal.SIGUSR2)
            self.assertEqual(long_run.wait(60), 75)
        self.assertEqual(json.loads((self.folder / "a/result.json").read_text())["status"], "partial")

    def test_killed_runs_go_on_to_the_same_bytes(self):
        self.train("whole")
        rng = random.Random(1)
        for trial in range(20 if LONG else 3):
            out = f"killed-{trial}"
            process = subprocess.Popen([TOOL, *TRAIN, "--out", str(self.folder / out)], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.1, 3.0))
            process.kill()
            process.wait()
            done = self.train(out, "--resume", "auto")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.same("whole", out)

    def test_another_option_on_resume_is_refused_by_name(self):
        self.train("b")
        done = run(*TRAIN, "--lr", "0.5", "--out", self.folder / "b", "--resume", "auto")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("--lr", done.stderr)

    def test_trajectories_are_collected_and_meta_trained_on(self):
        collect = ["collect", *TINY, "--seed", "5", "--runs", "2", "--every", "20", "--max-train-steps", "1000", "--name",
                   "T", "--data-out", self.folder / "t"]
        done = run(*collect)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.validate(json.loads(done.stdout))
        info = json.loads((self.folder / "t/T.json").read_text())
        self.assertEqual((info["runs"], info["states"]), (2, 51))
        self.assertEqual((self.folder / "t/T.dat").stat().st_size, 2 * 51 * info["num_params"] * 2)
        for model in ("nino", "wnn+", "wnn"):
            save = self.folder / f"{model}.safetensors"
            meta = ["train-nino", "--model", model, "--data-dir", self.folder / "t", "--tasks", "T", "--spacing", "20",
                    "--hid", "8", "--seq-len", "10", "--batch-size", "1", "--max-train-steps", "3", "--eval-every", "1",
                    "--save-path", save, "--threads", "1", "--quiet"]
            done = run(*meta)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.validate(json.loads(done.stdout))
            done = run("eval", "--trajectories", self.folder / "t", "--name", "T", "--spacing", "20", "--runs", "1",
                       "--ckpt", save, "--horizons", "1,5")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.validate(json.loads(done.stdout))
        (self.folder / "t/T.dat").write_bytes(b"short")
        self.refused(65, "T.dat", "5 bytes", args=meta)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
