"""Which windows of a recording train, validate and test: samba-align's --split and --window-start."""

import json
import sys
import unittest

import numpy as np

from samba_align_case import QUIET, Case, rows, simulate

# Of 360 frames of 2 s: windows of 15 frames, the third a half minute's twin.
SPLIT = {"train": [[0, 200], 17, 18], "valid": ["008_0"], "test": ["008_1", [285, 300], [320, 350]]}


class Splits(Case):
    def split(self, parts):
        path = self.folder / "parts.json"
        path.write_text(json.dumps(parts))
        return path

    def test_a_file_says_which_frames_every_subcommand_takes(self):
        path = self.split(SPLIT)
        trained = self.result(self.train("run", split=path, context=0))
        self.assertEqual((trained["data"]["valid_windows"], trained["data"]["test_windows"]), (1, 4))
        # Any start whose window lies in [0, 200) or [240, 270).
        self.assertEqual(trained["data"]["train_windows"], 200 - 14 + 30 - 14)
        predictions = self.folder / "y.npz"
        tested = self.result(["eval", *QUIET, "--run", self.folder / "run", "--predictions", predictions])
        self.assertEqual(rows(trained), rows(tested))
        y = np.load(predictions)
        self.assertEqual(list(y["start_frame"]), [211, 285, 320, 335])
        hemo = np.load(self.data / "sub-01/hemo.npy")
        scale = np.concatenate([hemo[:, :200], hemo[:, 240:270]], axis=1)
        expected = (hemo - scale.mean()) / scale.std(ddof=1) * 0.7188116312026978 + 0.00498728035017848
        for start, step, window in zip(y["start_frame"], (2, 1, 1, 1), y["y"]):
            np.testing.assert_allclose(window, expected[:, start:start + 15 * step:step], atol=1e-5)
        ridge = self.result(["baseline", *QUIET, "--preset", "small", "--data", self.data, "--split", path, "--kind", "all", "--iterations", 2])
        self.assertEqual(ridge["data"]["test_windows"], 4)
        self.assertEqual([r["pearson"] is None for r in rows(ridge, "kinds")], [False] * 6 + [True])
        classes = self.result(["classify", *QUIET, "--run", self.folder / "run", "--stride", 1, "--latent", "gat1"])
        self.assertEqual({(r["train_windows"], r["test_windows"]) for r in rows(classes, "features")}, {(202, 1 + 1 + 16)})
        info = self.result(["info", "--data", self.data, "--split", path, "--context", 0])
        self.assertEqual(info["data"]["test_windows"], 4)
        self.refused(64, "--context", "not contiguous", args=self.train("x", split=path))

    def test_a_leak_and_lists_of_longer_recordings_are_refused(self):
        leak = self.split({**SPLIT, "test": [[199, 250]]})
        self.refused(65, "parts.json", "test", "frame 199", "train", args=self.train("x", split=leak))
        self.refused(65, "reference-eeg", "24 windows", "200", args=self.train("x", split="reference-eeg"))
        self.refused(65, "reference-meg", "12 minutes", "103", args=self.train("x", split="reference-meg", context=0))
        self.refused(66, "nothing.json", args=self.train("x", split=self.folder / "nothing.json"))

    def test_one_window_a_part_is_enough_and_none_is_not(self):
        one = {"train": [[0, 15]], "valid": [[30, 45]], "test": [[60, 75]]}
        result = self.result(self.train("one", split=self.split(one), context=0))
        self.assertEqual([result["data"][f"{p}_windows"] for p in ("train", "valid", "test")], [1, 1, 1])
        self.assertIsNotNone(result["metrics"]["pearson"]["value"])
        short = self.split({**one, "valid": [[30, 44]]})
        self.refused(65, "valid", "no window", args=self.train("x", split=short, context=0))

    def test_released_lists_train_on_recordings_that_are_long_enough(self):
        data = self.folder / "long"
        self.done(*simulate(data, minutes=104, fs=10))
        common = {"data": data, "context": 0, "levels": 1, "iterations": 2}
        eeg = self.done(*self.train("eeg", split="reference-eeg", window_start="grid", **common))
        self.assertIn("131", eeg.stderr)
        eeg = json.loads(eeg.stdout)
        self.assertEqual([eeg["data"][f"{p}_windows"] for p in ("train", "valid", "test")], [181, 7, 19])
        meg = self.result(self.train("meg", split="reference-meg", window_start="grid", **common))
        self.assertEqual([meg["data"][f"{p}_windows"] for p in ("train", "valid", "test")], [181, 7, 20])
        self.assertEqual(meg["status"], "complete")


class Subjects(Case):
    def test_baselines_are_taught_by_the_others_where_someone_is_held_out(self):
        data = self.folder / "three"
        self.done(*simulate(data, subjects=3))
        run = ["baseline", *QUIET, "--preset", "small", "--data", data, "--kind", "all", "--iterations", 2]
        alone, others = self.result(run), self.result([*run, "--test-subjects", "sub-03"])
        self.assertEqual(others["data"]["test_windows"] * 3, alone["data"]["test_windows"])
        self.assertEqual({r["subject"] for r in rows(others, "chosen")}, {"all that are trained", "all"})
        by_kind = [{r["kind"]: r["pearson"] for r in rows(x, "kinds")} for x in (alone, others)]
        self.assertNotEqual(*[k["canonical-ridge"] for k in by_kind])
        self.refused(64, "--test-subjects", "'sub-07'", args=[*run, "--test-subjects", "sub-07"])
        trained = self.result(self.train("run", data=data, test_subjects="sub-03"))
        elsewhere = self.result(["eval", *QUIET, "--run", self.folder / "run", "--data", self.data])
        self.assertEqual(elsewhere["data"]["subjects"], ["sub-01"])
        self.assertEqual(trained["data"]["test_windows"], others["data"]["test_windows"])


class Scales(Case):
    def test_baselines_are_scored_on_the_scale_of_single_windows_too(self):
        run = ["baseline", *QUIET, "--preset", "small", "--data", self.data]
        whole, window = self.result(run), self.result([*run, "--normalise", "window"])
        within = [r["metrics"]["within_window_r"]["value"] for r in (whole, window)]
        self.assertAlmostEqual(*within, places=4)  # which no scale and shift of a window changes
        self.assertNotAlmostEqual(*[r["metrics"]["pearson"]["value"] for r in (whole, window)], places=4)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
