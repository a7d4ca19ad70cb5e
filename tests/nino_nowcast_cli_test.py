"""nino-nowcast as a user meets it: results, schemas, bad input, kill and resume, signals."""

import gzip
import json
import os
import pathlib
import random
import resource
import signal
import struct
import subprocess
import sys
import time
import unittest

import tool_case

TOOL = tool_case.Tool(*sys.argv[1:4])
run = TOOL.run
DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
TINY = ["--task", "custom", "--image-size", "14", "--hidden", "8", "--threads", "1", "--quiet"]
TRAIN = ["train", *TINY, "--seed", "1000", "--nowcaster", "none,nino", "--period", "50", "--max-train-steps", "300",
         "--eval-every", "50", "--checkpoint-every", "60", "--target", "70", "--after-target", "continue"]


def comparable(path):
    return tool_case.comparable(path, timed=["seconds_to_target/"])


class Case(tool_case.Case):
    tool = TOOL


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
    def cifar(self, name, label_bytes, records=24):
        rng = random.Random(3)
        rows = [bytes([0] * (label_bytes - 1) + [rng.randrange(10)]) + rng.randbytes(3072) for _ in range(records)]
        (self.folder / name).write_bytes(b"".join(rows))

    def test_cifar_is_read_from_its_batches_and_a_cut_batch_is_refused(self):
        for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
            self.cifar(name, 1)
        for name in ("train.bin", "test.bin"):
            self.cifar(name, 2)
        for task, params in (("C10-16", 14666), ("C10-32", 56970), ("C100-32", 62820)):
            done = run("train", "--task", task, "--data-dir", self.folder, "--max-train-steps", "2", "--quiet", "--threads", "1")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["model"]["num_params"], params)
        with open(self.folder / "data_batch_3.bin", "ab") as file:
            file.write(b"x")
        self.refused(65, "data_batch_3.bin", "73753", "3073", args=["train", "--task", "C10-16", "--data-dir", self.folder])

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

    def test_a_run_that_cannot_start_leaves_nothing_and_the_corrected_one_starts(self):
        out = self.folder / "run"
        for wrong in (["--data-dir", self.folder / "no"], ["--ckpt", self.folder / "no.safetensors"],
                      ["--optimizer", "nesterov"]):
            self.assertNotEqual(run(*TRAIN, "--out", out, *wrong).returncode, 0)
            self.assertFalse(out.exists())
        out.mkdir()
        (out / "notes.txt").write_text("mine")
        self.assertEqual(run(*TRAIN, "--out", out, "--data-dir", self.folder / "no").returncode, 66)
        self.assertEqual([p.name for p in out.iterdir()], ["notes.txt"])

    def test_a_place_for_the_result_is_looked_at_before_the_work(self):
        start = time.monotonic()
        self.refused(73, "no/x.json", args=["train", "--preset", "small", "--quiet", "--json", self.folder / "no/x.json"])
        self.assertLess(time.monotonic() - start, 20)

    def test_an_unusable_out_is_refused(self):
        blocker = self.folder / "file"
        blocker.write_text("")
        self.refused(73, str(blocker), args=[*TRAIN, "--out", blocker / "run"])
        self.refused(73, "/proc/run", args=[*TRAIN, "--out", "/proc/run"])

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
        long_run = TOOL.start("train", *TINY, "--max-train-steps", "1000000", "--nowcaster", "none", "--out", self.folder / "a")
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
        start = time.monotonic()
        self.train("whole")
        whole_s = time.monotonic() - start
        for name, done in self.killed_at_random("killed", lambda name: [*TRAIN, "--out", self.folder / name], whole_s):
            self.assertEqual(done.returncode, 0, done.stderr)
            self.same("whole", name)

    def test_a_signal_stops_with_a_checkpoint_that_goes_on_to_the_same_bytes(self):
        self.train("whole")
        for number, code in ((signal.SIGUSR2, 75), (signal.SIGTERM, 75), (signal.SIGINT, 130)):
            out = f"signal-{number}"
            process = TOOL.start(*TRAIN, "--out", self.folder / out)
            while not (self.folder / out / "metrics.jsonl").exists():
                time.sleep(0.01)
            process.send_signal(number)
            self.assertEqual(process.wait(60), code)
            partial = json.loads((self.folder / out / "result.json").read_text())
            self.assertEqual((partial["status"], partial["stopped_by"]), ("partial", "signal"))
            self.validate(partial)
            self.assertEqual(self.train(out, "--resume", "auto").returncode, 0)
            self.same("whole", out)

    def test_a_time_limit_stops_with_75(self):
        done = run("train", *TINY, "--max-train-steps", "1000000", "--nowcaster", "none", "--max-time", "1s", "--out",
                   self.folder / "limited")
        self.assertEqual(done.returncode, 75, done.stderr)
        self.assertEqual(json.loads(done.stdout)["stopped_by"], "time-limit")

    def test_a_full_disk_ends_with_one_line_and_nothing_half_written(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
        done = self.train("full", preexec_fn=limit)
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertFalse((self.folder / "full/result.json").exists())
        kept = sorted(p.name for p in (self.folder / "full/checkpoints").iterdir())
        for step in kept:
            if step.startswith("step-"):
                self.assertTrue((self.folder / "full/checkpoints" / step / "manifest.json").exists())

    def test_a_missed_target_is_1_only_where_it_is_required(self):
        args = ["train", *TINY, "--max-train-steps", "20", "--nowcaster", "none", "--target", "99.9"]
        self.assertEqual(run(*args).returncode, 0)
        done = run(*args, "--require-target")
        self.assertEqual(done.returncode, 1, done.stderr)
        metric = json.loads(done.stdout)["metrics"]["steps_to_target/none"]
        self.assertIsNone(metric["value"])
        self.assertIn("20 steps", metric["reason"])

    def test_a_run_among_others_is_the_run_alone(self):
        args = ["train", *TINY, "--nowcaster", "nino", "--period", "20", "--max-train-steps", "60", "--eval-every", "20"]
        together = json.loads(run(*args, "--seed", "1000,2000").stdout)["series"]["nino/2000"]
        alone = json.loads(run(*args, "--seed", "2000").stdout)["series"]["nino/2000"]
        self.assertEqual(together, alone)

    def test_every_method_and_optimiser_takes_its_steps(self):
        args = ["train", *TINY, "--period", "20", "--max-train-steps", "40", "--eval-every", "20"]
        done = run(*args, "--nowcaster", "none,nino,wnn+,wnn,linefit,lawa", "--edge-sample-ratio", "0.5")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.validate(json.loads(done.stdout))
        for method in ("std-param", "min-max", "min-max-param"):
            done = run(*args, "--scale-method", method)
            self.assertEqual(done.returncode, 0, done.stderr)
        for optimizer in ("nadam", "nesterov"):
            done = run(*args, "--optimizer", optimizer, "--lr", "0.002")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_paper_preset_is_a_real_configuration(self):
        done = run("train", "--preset", "paper", "--max-train-steps", "1", "--seed", "1000", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["model"]["num_params"], 14378)
        self.assertEqual(result["data"]["training_examples"], 55000)

    def test_kept_checkpoints_feed_step_and_results_feed_eval(self):
        done = run("train", *TINY, "--seed", "1000", "--nowcaster", "none", "--max-train-steps", "50", "--checkpoint-every", "10",
                   "--keep-checkpoints", "all", "--eval-every", "10", "--target", "10", "--after-target", "continue",
                   "--out", self.folder / "kept")
        self.assertEqual(done.returncode, 0, done.stderr)
        out = self.folder / "next.safetensors"
        done = run("step", "--ckpt-dir", self.folder / "kept/checkpoints", "--last", "50", "--period", "50", "--save-path", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.validate(json.loads(done.stdout))
        self.assertIn(b"fc.0.weight", out.read_bytes()[:2000])
        done = run("eval", "--results", self.folder / "kept/result.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["metrics"]["median_steps/none"]["value"], 10)
        other = self.folder / "other.json"
        result = json.loads((self.folder / "kept/result.json").read_text())
        for change, words in (({"config": {**result["config"], "max-train-steps": 60}}, ["60 steps", "50 steps"]),
                              ({"status": "partial"}, ["partial"])):
            other.write_text(json.dumps({**result, **change}))
            self.refused(65, "other.json", *words, args=["eval", "--results", f"{self.folder / 'kept/result.json'},{other}"])

    def test_another_option_on_resume_is_refused_by_name(self):
        self.train("b")
        done = run(*TRAIN, "--lr", "0.5", "--out", self.folder / "b", "--resume", "auto")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("--lr", done.stderr)


@unittest.skipUnless(DATA.exists(), "dataset-fashion-mnist is not installed")
class MetaTraining(Case):
    def setUp(self):
        super().setUp()
        done = run(*self.collect("T"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.collected = json.loads(done.stdout)

    def collect(self, name, *more):
        return ["collect", *TINY, "--seed", "5", "--runs", "2", "--every", "20", "--max-train-steps", "1000", "--name", "T",
                "--data-out", self.folder / name, *more]

    def meta(self, model, save, *more, steps=3, every=1):
        return ["train-nino", "--model", model, "--data-dir", self.folder / "T", "--tasks", "T", "--spacing", "20", "--hid", "8",
                "--seq-len", "10", "--batch-size", "1", "--max-train-steps", steps, "--eval-every", every, "--save-path", save,
                "--threads", "1", "--quiet", *more]

    def test_trajectories_have_the_described_size(self):
        self.validate(self.collected)
        info = json.loads((self.folder / "T/T.json").read_text())
        self.assertEqual((info["runs"], info["states"]), (2, 51))
        self.assertEqual((self.folder / "T/T.dat").stat().st_size, 2 * 51 * info["num_params"] * 2)
        (self.folder / "T/T.dat").write_bytes(b"short")
        self.refused(65, "T.dat", "5 bytes", args=self.meta("nino", self.folder / "n.safetensors"))

    def test_every_model_is_trained_and_scored(self):
        kinds = (("nino", []), ("nino", ["--amp"]), ("nino", ["--final-edge-update", "--no-lpe", "--no-edge-types"]),
                 ("wnn+", []), ("wnn", []))
        for i, (model, more) in enumerate(kinds):
            save = self.folder / f"{model}-{i}.safetensors"
            done = run(*self.meta(model, save, *more))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.validate(json.loads(done.stdout))
            done = run("eval", "--trajectories", self.folder / "T", "--name", "T", "--spacing", "20", "--runs", "1", "--ckpt", save,
                       "--horizons", "1,5")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.validate(json.loads(done.stdout))

    def test_a_checkpoint_of_another_architecture_or_context_is_refused(self):
        save = self.folder / "n.safetensors"
        run(*self.meta("nino", save))
        fields = json.loads(save.with_suffix(".json").read_text())
        self.refused(73, "n.safetensors", "exists already", args=self.meta("nino", save))
        self.refused(78, "--ctx", "5", args=[*TRAIN, "--ctx", "4", "--ckpt", save])
        self.refused(64, "--k", "1..10", args=[*TRAIN, "--k", "11", "--ckpt", save])
        save.with_suffix(".json").write_text(json.dumps({**fields, "hid": 16}))
        self.refused(65, "n.safetensors", "layer_embed.weight", "[15, 8]", "[15, 16]", args=[*TRAIN, "--ckpt", save])
        save.with_suffix(".json").write_text(json.dumps({**fields, "towers": 4}))
        self.refused(65, "n.json", "towers", "4", args=[*TRAIN, "--ckpt", save])

    def test_embeddings_have_the_width_of_the_checkpoint_and_move(self):
        save = self.folder / "n.safetensors"
        run(*self.meta("nino", save))
        done = run("eval", "--trajectories", self.folder / "T", "--name", "T", "--spacing", "20", "--runs", "0", "--ckpt", save,
                   "--horizons", "1", "--embeddings")
        self.assertEqual(done.returncode, 0, done.stderr)
        table = json.loads(done.stdout)["tables"]["embeddings"]
        self.assertEqual(table["columns"], ["checkpoint", "run", "step", "nodes", "edges"])
        self.assertEqual([row[2] for row in table["rows"][:2]], [80, 180])
        self.assertEqual({len(row[i]) for row in table["rows"] for i in (3, 4)}, {8})
        self.assertNotEqual(table["rows"][0][4], table["rows"][-1][4])

    def test_mixed_precision_gives_nearly_the_same_loss(self):
        def losses(*more):
            done = run(*self.meta("nino", self.folder / f"n{len(more)}.safetensors", *more))
            return json.loads(done.stdout)["series"]["train"]["columns"]["loss"]
        full, mixed = losses(), losses("--amp")
        self.assertNotEqual(full, mixed)
        for a, b in zip(full, mixed):
            self.assertLess(abs(a - b), 0.02 * a)

    def test_killed_meta_training_goes_on_to_the_same_bytes(self):
        def args(name):
            return self.meta("nino", self.folder / f"{name}.safetensors", "--checkpoint-every", "25", "--out", self.folder / name,
                             steps=150, every=10)
        start = time.monotonic()
        self.assertEqual(run(*args("whole")).returncode, 0)
        whole_s = time.monotonic() - start
        for name, done in self.killed_at_random("killed", args, whole_s):
            self.assertEqual(done.returncode, 0, done.stderr)
            for a, b in (("whole.safetensors", f"{name}.safetensors"), ("whole/metrics.jsonl", f"{name}/metrics.jsonl")):
                self.assertEqual((self.folder / a).read_bytes(), (self.folder / b).read_bytes(), b)
            self.assertEqual(comparable(self.folder / "whole/result.json"), comparable(self.folder / name / "result.json"))

    def test_killed_collecting_goes_on_to_the_same_bytes(self):
        def args(name):
            return self.collect(f"data-{name}", "--out", self.folder / name, "--checkpoint-every", "100")
        start = time.monotonic()
        self.assertEqual(run(*args("whole")).returncode, 0)
        whole_s = time.monotonic() - start
        for name, done in self.killed_at_random("killed", args, whole_s):
            self.assertEqual(done.returncode, 0, done.stderr)
            for file in ("T.dat", "T_metrics.dat"):
                self.assertEqual((self.folder / "data-whole" / file).read_bytes(),
                                 (self.folder / f"data-{name}" / file).read_bytes(), name)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
