"""samba-align's directions, versions, features and subjects as a user chooses them."""

import json
import sys
import unittest

import numpy as np

from samba_align_case import QUIET, Case, rows, simulate


class Choices(Case):
    def test_the_way_back_is_tested_where_phase_cannot_be_told(self):
        trained = self.result(self.train("back", direction="hemo2ele"))
        self.assertEqual(len(rows(trained)), 4)
        self.assertEqual([r["low_hz"] for r in rows(trained, "band_power")], [1, 4, 8])
        again = self.result(["eval", *QUIET, "--run", self.folder / "back"])
        self.assertEqual(rows(trained), rows(again))
        self.assertEqual(trained["series"]["spectra"], again["series"]["spectra"])
        hemo = self.data / "sub-01/hemo.npy"
        out, predictions = self.folder / "translated.npy", self.folder / "y.npz"
        self.result(["translate", *QUIET, "--run", self.folder / "back", "--hemo", hemo, "--out", out])
        self.result(["eval", *QUIET, "--run", self.folder / "back", "--predictions", predictions])
        self.assertEqual(np.load(out).shape, (4, 360 * 100))
        expected = np.load(predictions)
        np.save(self.folder / "part.npy", np.load(hemo)[:, expected["start_frame"][0]:])
        self.result(["translate", *QUIET, "--run", self.folder / "back", "--hemo", self.folder / "part.npy", "--out", out])
        for i, y_hat in enumerate(expected["y_hat"]):
            np.testing.assert_allclose(np.load(out)[:, i * 1500:(i + 1) * 1500], y_hat, atol=1e-5)
        self.refused(64, "--ele", args=["translate", *QUIET, "--run", self.folder / "back", "--ele", hemo, "--out", out])
        classes = self.result(["classify", *QUIET, "--run", self.folder / "back"])
        self.assertEqual({r["features"] for r in rows(classes, "features")}, {"gat1", "up", "gat2", "mlp", "raw", "pca", "untrained"})
        separate = self.result(self.train("separate", direction="hemo2ele", hemo_to_ele_mlp="separate", mlp_hidden=8))
        self.assertNotEqual(rows(separate), rows(trained))
        reference = self.result(self.train("reference", direction="hemo2ele", reference=True, iterations=2))
        self.assertEqual(reference["model"]["hrf"], 0)

    def test_what_is_changed_in_the_model_changes_the_result(self):
        whole = self.result(self.train("whole"))
        for name, options in {"v1": {"variant": "v1"}, "mlp": {"coef-mlp": 4}, "skip": {"linear-skip": True},
                              "lr": {"hrf-lr-mult": 3}, "tanh": {"hrf-param": "tanh"}, "envelope": {"ele-feature": "envelope"},
                              "power": {"ele-feature": "bandpower"}}.items():
            with self.subTest(name):
                self.assertNotEqual(rows(self.result(self.train(name, **options))), rows(whole))
        first = json.loads((self.folder / "v1/result.json").read_text())
        self.assertAlmostEqual(sum(r["mass"] for r in rows(first, "bands")), 1, places=4)
        self.assertEqual(first["model"]["coefficients"], [754, 381, 195, 195])

    def test_a_lower_rate_of_the_convolution_changes_little(self):
        whole, low = self.result(self.train("whole", iterations=1)), self.result(self.train("low", iterations=1, hrf_rate=10))
        for a, b in zip(rows(whole), rows(low)):
            self.assertAlmostEqual(a["pearson"], b["pearson"], delta=0.02)
        self.assertNotEqual(rows(whole), rows(low))
        self.refused(64, "--hrf-rate", "7 Hz", args=self.train("x", hrf_rate=7))

    def test_passes_under_dropout_spread(self):
        self.done(*self.train("run"))
        one = self.result(["eval", *QUIET, "--run", self.folder / "run"])
        many = self.result(["eval", *QUIET, "--run", self.folder / "run", "--mc-samples", 5])
        again = self.result(["eval", *QUIET, "--run", self.folder / "run", "--mc-samples", 5])
        self.assertEqual((rows(many), many["metrics"]), (rows(again), again["metrics"]))
        self.assertNotIn("mc_deviation", one["metrics"])
        self.assertGreater(many["metrics"]["mc_deviation"]["value"], 0)
        self.assertTrue(any(c.startswith("deviation/") for c in many["series"]["example"]["columns"]))

    def test_subjects_may_be_tested_alone_and_in_pairs(self):
        data = self.folder / "three"
        self.done(*simulate(data, subjects=3))
        alone = self.result(self.train("alone", data=data, test_subjects="sub-02"))
        self.assertNotIn("pairs", alone["tables"])
        same = self.result(self.train("same", data=data))
        self.assertEqual([r["ele_subject"] for r in rows(same, "pairs")], ["sub-01", "sub-02", "sub-03"])
        cross = self.result(self.train("cross", data=data, pairing="cross"))
        pairs = [(r["ele_subject"], r["hemo_subject"]) for r in rows(cross, "pairs")]
        self.assertEqual(len(set(pairs)), 9)
        windows = {r["windows"] for r in rows(cross, "pairs")}
        self.assertEqual(windows, {cross["data"]["test_windows"] // 9})
        self.refused(64, "--test-subjects", "'sub-07'", args=self.train("x", data=data, test_subjects="sub-07"))
        self.refused(64, "--test-subjects", "every", args=self.train("x", data=data, test_subjects="sub-01,sub-02,sub-03"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
