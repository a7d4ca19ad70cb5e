"""samba-align as a user meets it: results, schemas, bad input, kill and resume, signals, pictures."""

import json
import signal
import struct
import subprocess
import sys
import time
import unittest

import samba_align_case
from samba_align_case import PLOT, QUIET, comparable, rows, simulate


class Case(samba_align_case.Case):
    def same_runs(self, a, b):
        a, b = self.folder / a, self.folder / b
        self.assertEqual((a / "metrics.jsonl").read_bytes(), (b / "metrics.jsonl").read_bytes())
        self.assertEqual(comparable(a / "result.json"), comparable(b / "result.json"))


class Results(Case):
    def test_a_simulation_is_a_function_of_its_seed(self):
        first = self.result(simulate(self.folder / "a", seed=3))
        again = self.result(simulate(self.folder / "b", seed=3))
        other = self.result(simulate(self.folder / "c", seed=4))
        digests = [[r["sha256"] for r in rows(x, "files")] for x in (first, again, other)]
        self.assertEqual(digests[0], digests[1])
        self.assertNotEqual(digests[0], digests[2])

    def test_training_tests_and_an_evaluation_repeats_it(self):
        trained = self.result(self.train("run"))
        self.assertEqual(len(rows(trained)), 8)
        again = self.result(["eval", *QUIET, "--run", self.folder / "run"])
        self.assertEqual(rows(trained), rows(again))
        self.assertEqual(trained["series"]["example"], again["series"]["example"])
        valid = self.result(["eval", *QUIET, "--run", self.folder / "run", "--part", "valid"])
        self.assertNotEqual(rows(valid), rows(again))
        best = min(zip(trained["series"]["train_curve"]["columns"]["valid_loss"],
                       trained["series"]["train_curve"]["columns"]["iteration"]))
        self.assertEqual(trained["metrics"]["best_iteration"]["value"], best[1])
        self.assertAlmostEqual(valid["metrics"]["loss"]["value"], best[0], places=5)

    def test_ridge_is_scored_on_the_windows_of_the_network(self):
        ridge = self.result(["baseline", *QUIET, "--data", self.data])
        trained = self.result(self.train("run"))
        for name in ("valid_windows", "test_windows"):
            self.assertEqual(ridge["data"][name], trained["data"][name])
        truths = [[c for c in r["series"]["example"]["columns"] if c.startswith("true")] for r in (ridge, trained)]
        for column in set(truths[0]) & set(truths[1]):
            a, b = (r["series"]["example"]["columns"][column] for r in (ridge, trained))
            for x, y in zip(a, b):
                self.assertAlmostEqual(x, y, places=5)
        self.assertGreater(ridge["metrics"]["pearson"]["value"], 0.3)
        self.assertEqual(len(rows(ridge, "chosen")), 8)

    def test_seeds_side_by_side_are_the_seeds_alone(self):
        both, alone = self.result(self.train("both", seed="1,2")), self.result(self.train("alone", seed=2))
        self.assertEqual([r for r in rows(both) if r["seed"] == 2], rows(alone))
        self.assertEqual(both["series"]["train_curve/2"], alone["series"]["train_curve"])

    def test_every_ablation_and_the_released_behaviour_take_steps(self):
        whole = self.result(self.train("whole", iterations=2))
        for part in ("no-hrf", "fixed-hrf", "shared-hrf", "no-wavelet-attention", "no-graph", "gcn", "no-upsample-gat", "no-rnn"):
            with self.subTest(part):
                self.assertNotEqual(rows(self.result(self.train(part, iterations=2, ablate=part))), rows(whole))
        reference = self.result(self.train("reference", iterations=2, reference=True))
        self.assertEqual(reference["model"]["registered"], reference["model"]["parameters"] - reference["model"]["hrf"])
        self.assertFalse(reference["model"]["alpha_scaled"])

    def test_responses_that_do_not_learn_stay_as_they_were(self):
        def peaks(*args):
            return [r["time_to_peak_s"] for r in rows(self.result(self.train(*args[:1], **args[1])), "hrf")]
        fixed = {"ablate": "fixed-hrf"}
        self.assertEqual(peaks("a", {**fixed, "iterations": 1}), peaks("b", {**fixed, "iterations": 6}))
        self.assertNotEqual(peaks("c", {"iterations": 1}), peaks("d", {"iterations": 6}))

    def test_only_the_subjects_of_the_last_simulation_are_read(self):
        self.done(*simulate(self.folder / "two", subjects=2))
        self.assertEqual(self.result(self.train("both", data=self.folder / "two"))["data"]["subjects"], ["sub-01", "sub-02"])
        again = self.result(simulate(self.folder / "two"))
        self.assertEqual(self.result(self.train("one", data=self.folder / "two"))["data"]["subjects"], ["sub-01"])
        written = json.loads((self.folder / "two/truth.json").read_text())["config"]
        options = {k: v for k, v in again["config"].items() if k in written}
        self.assertEqual({**options, "seed": again["seeds"][0]}, written)
        self.assertFalse((self.folder / "two/sub-02").exists())

    def test_a_simulation_replaces_a_simulation_and_nothing_else(self):
        (self.folder / "mine").mkdir()
        (self.folder / "mine/notes.txt").write_text("mine")
        self.refused(73, "notes.txt", args=simulate(self.folder / "mine"))
        self.done(*self.train("run"))
        self.refused(73, "expected no folder or a simulation", args=simulate(self.folder / "run"))
        self.assertEqual((self.folder / "mine/notes.txt").read_text(), "mine")


class Repeats(Case):
    def test_a_run_repeats_to_the_byte(self):
        for name in "ab":
            done = self.done(*self.train(name))
            self.assertEqual(done.stdout, (self.folder / name / "result.json").read_text())
        self.same_runs("a", "b")

    def test_a_killed_run_goes_on_to_the_same_bytes(self):
        whole = self.train("whole", iterations=40)
        start = time.monotonic()
        self.done(*whole)
        took = time.monotonic() - start
        for name, done in self.killed_at_random("run", lambda name: self.train(name, iterations=40), took):
            self.assertEqual(done.returncode, 0, done.stderr)
            self.same_runs("whole", name)

    def test_a_signal_stops_after_a_step_and_the_run_goes_on_to_the_same_bytes(self):
        for number, code, direction in ((signal.SIGTERM, 75, "ele2hemo"), (signal.SIGINT, 130, "hemo2ele")):
            name, whole = f"run{code}", f"whole{code}"
            options = {"iterations": 60 if code == 75 else 12, "direction": direction}
            self.done(*self.train(whole, **options))
            process = self.tool.start(*self.train(name, **options))
            while not (self.folder / name / "checkpoints/latest").exists():
                time.sleep(0.005)
            process.send_signal(number)
            self.assertEqual(process.wait(), code)
            self.assertEqual(json.loads((self.folder / name / "result.json").read_text())["status"], "partial")
            self.done(*self.train(name, **options), "--resume", "auto")
            self.same_runs(whole, name)


class BadInput(Case):
    def test_options_that_make_no_sense_are_refused_by_name(self):
        self.refused(64, "--patches", "3 for 4 and 8", "1, 2, 4", args=self.train("run", patches=3))
        self.refused(64, "--hrf-hidden", "'x'", args=self.train("run", hrf_hidden="8,x"))
        self.refused(64, "--seed", "several", args=simulate(self.folder / "x", seed="1,2"))
        self.refused(64, "--levels", args=self.train("run", levels=9))
        self.refused(64, "--fs", args=simulate(self.folder / "x", fs=50.3))
        for option in ({"variant": "v1"}, {"coef-mlp": 2}, {"linear-skip": True}, {"ablate": "no-hrf"}):
            self.refused(64, "--" + next(iter(option)), args=self.train("run", direction="hemo2ele", **option))
        self.refused(64, "--hemo-to-ele-mlp", args=self.train("run", hemo_to_ele_mlp="separate"))
        self.refused(64, "--feature-low", args=self.train("run", ele_feature="bandpower", feature_low=20))
        self.refused(64, "30 Hz", args=self.train("run", ele_feature="bandpower", feature_high=30))
        self.refused(69, "--device", args=self.train("run", device="cuda"))

    def test_data_that_do_not_fit_are_refused_by_file(self):
        self.refused(66, "truth.json", args=self.train("run", data=self.folder / "nothing"))
        self.refused(66, "sub-09", args=self.train("run", subjects="sub-09"))
        self.refused(65, "frames", args=self.train("run", frames=200))
        path = self.data / "sub-01/hemo.npy"
        whole = path.read_bytes()
        for size in (0, 5, 50, len(whole) - 1):
            path.write_bytes(whole[:size])
            self.refused(65, "hemo.npy", args=self.train("run"))
        path.write_bytes(whole[:-4] + struct.pack("<f", float("nan")))
        self.refused(65, "hemo.npy", "row 7", args=self.train("run"))
        path.write_bytes(whole)
        (self.data / "sub-01/labels.npy").write_bytes(whole)
        self.refused(65, "labels.npy", args=self.train("run"))
        truth = json.loads((self.data / "truth.json").read_text())
        (self.data / "truth.json").write_text(json.dumps({**truth, "tr": 2.1, "fs": 256}))
        self.refused(65, "537.6", "whole number", args=self.train("run"))
        (self.data / "truth.json").write_text("{")
        self.refused(65, "truth.json", args=self.train("run"))

    def test_a_model_is_not_tested_on_other_sizes(self):
        self.done(*self.train("run"))
        self.done(*simulate(self.folder / "other", hemo_parcels=12))
        run = ["eval", *QUIET, "--run", self.folder / "run"]
        self.refused(78, "12 parcels", args=[*run, "--data", self.folder / "other"])
        self.refused(66, "nowhere", args=["eval", *QUIET, "--run", self.folder / "nowhere"])
        self.refused(78, "--lr", args=[*self.train("run", lr=0.5), "--resume", "auto"])


class Pictures(Case):
    def plot(self, *args, code=0):
        done = subprocess.run([sys.executable, PLOT, *map(str, args)], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def test_a_result_is_drawn_and_what_cannot_be_is_refused(self):
        self.done(*self.train("run", seed="0,1"))
        result = self.folder / "run/result.json"
        self.plot(result, result)
        self.assertEqual((self.folder / "run/samba-align.png").read_bytes()[1:4], b"PNG")
        self.assertIn("ends with", self.plot(result, "--out", self.folder / "x.pdf", code=64))
        self.plot(self.folder / "nothing.json", code=66)
        (self.folder / "other.json").write_text("{}")
        self.assertIn("schema", self.plot(self.folder / "other.json", code=65))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
