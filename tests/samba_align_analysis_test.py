"""What samba-align says of a trained translator: stimulus from latents, arrays, whole recordings, responses, baselines."""

import json
import random
import struct
import subprocess
import sys
import unittest
import zipfile

import numpy as np

import samba_align_case
from samba_align_case import PLOT, QUIET, rows, simulate

FRAMES, TEST_START = 12, 288  # 12 minutes hold 360 frames, of which the last fifth is tested
LATENTS, CONTROLS = ["gat1", "up", "gat2", "lstm"], ["raw", "hrf", "pca"]


class Case(samba_align_case.Case):
    def setUp(self):
        super().setUp()
        self.done(*self.train("run", frames=FRAMES))

    def ask(self, subcommand, *args):
        return self.result([subcommand, *QUIET, "--run", self.folder / "run", *args])

    def file(self, name):
        return np.load(self.data / f"sub-01/{name}.npy")


class Classify(Case):
    def test_every_latent_and_control_is_classified_by_grouped_splits(self):
        result = self.ask("classify", "--folds", 3)
        table = rows(result, "features")
        names = [*LATENTS, "untrained", *CONTROLS]
        for split in ("parts", "folds"):
            self.assertEqual([r["features"] for r in table if r["split"] == split], names)
        self.assertEqual({r["features"]: r["dimensions"] for r in table if r["split"] == "parts"},
                         {"gat1": 4 * 12, "up": 8 * 12, "gat2": 8 * 12, "lstm": 12 * 8, "untrained": 4 * 12,
                          "raw": 4 * 12 * 2, "hrf": 4 * 12, "pca": 48})
        # Windows of 12 frames every 3 from frame 288 on, and from 15 frames of context to 252 - 15.
        first = table[0]
        self.assertEqual(first["test_windows"], len(range(TEST_START, 360 - FRAMES + 1, 3)))
        self.assertEqual(first["train_windows"], len(range(15, 252 - 15 - FRAMES + 1, 3)))
        labels = self.file("labels")
        truth = [np.bincount(labels[s + 4:s + 8], minlength=4).argmax() for s in range(TEST_START, 360 - FRAMES + 1, 3)]
        for r in table:
            mine = [c for c in rows(result, "confusion") if all(c[k] == r[k] for k in ("seed", "split", "features"))]
            self.assertEqual(sum(c["windows"] for c in mine), r["test_windows"])
            right = sum(c["windows"] for c in mine if c["true"] == c["predicted"])
            self.assertAlmostEqual(right / r["test_windows"], r["accuracy"])
            if r["split"] == "parts":
                self.assertAlmostEqual(r["majority_rate"], np.bincount(truth).max() / len(truth))
                for k in range(4):
                    self.assertEqual(sum(c["windows"] for c in mine if c["true"] == k), truth.count(k))
        self.assertEqual(result["metrics"]["accuracy"]["value"], first["accuracy"])
        self.assertEqual(result["metrics"]["chance"]["value"], 0.25)

    def test_what_is_chosen_is_what_is_reported_and_seeds_stand_alone(self):
        self.done(*self.train("run2", frames=FRAMES, seed="0,1"))
        both = self.result(["classify", *QUIET, "--run", self.folder / "run2", "--latent", "up", "--no-controls"])
        table = rows(both, "features")
        self.assertEqual([(r["seed"], r["features"]) for r in table], [(0, "up"), (1, "up")])
        alone = [r for r in rows(self.ask("classify", "--latent", "up"), "features") if r["features"] == "up"]
        self.assertEqual(alone, table[:1])
        self.assertEqual(both["metrics"]["accuracy"]["per_seed"], [r["accuracy"] for r in table])
        unscaled = rows(self.ask("classify", "--latent", "gat1", "--no-controls", "--no-standardise"), "features")
        scaled = rows(self.ask("classify", "--latent", "gat1", "--no-controls"), "features")
        self.assertNotEqual([r["iterations"] for r in unscaled], [r["iterations"] for r in scaled])

    def test_labels_of_nothing_are_not_told(self):
        """The stimulus drives the recording; shuffled categories have nothing to do with it."""
        data = self.folder / "long"
        self.done(*simulate(data, minutes=40, ele_parcels=8))
        self.done(*self.train("long-run", data=data, frames=FRAMES))
        run = ["classify", *QUIET, "--run", self.folder / "long-run"]
        for r in rows(self.result(run), "features"):
            self.assertGreater(r["accuracy"], r["majority_rate"] + 0.15, r["features"])
        path = data / "sub-01/labels.npy"
        head, labels, above = path.read_bytes()[:128], list(np.load(path)), []
        for seed in range(3):
            random.Random(seed).shuffle(labels)
            path.write_bytes(head + struct.pack(f"<{len(labels)}i", *labels))
            above.append([r["accuracy"] - r["majority_rate"] for r in rows(self.result(run), "features")])
        self.assertLess(np.mean(above, axis=0).max(), 0.1)

    def test_one_subject_out_needs_two(self):
        self.refused(64, "--subjects", "found 1", args=["classify", *QUIET, "--run", self.folder / "run", "--subjects"])
        self.done(*simulate(self.folder / "two", subjects=2))
        self.done(*self.train("two-run", data=self.folder / "two", frames=FRAMES))
        result = self.result(["classify", *QUIET, "--run", self.folder / "two-run", "--subjects", "--latent", "gat1"])
        table = [r for r in rows(result, "features") if r["features"] == "gat1"]
        self.assertEqual([r["split"] for r in table], ["parts", "without sub-01", "without sub-02"])
        self.assertEqual(table[0]["test_windows"], table[1]["test_windows"] + table[2]["test_windows"])
        self.assertAlmostEqual(result["metrics"]["subjects_accuracy"]["value"], (table[1]["accuracy"] + table[2]["accuracy"]) / 2)

    def test_what_cannot_be_classified_is_refused(self):
        run = ["classify", *QUIET, "--run", self.folder / "run"]
        self.refused(64, "--latent", args=[*run, "--latent", "gat3"])
        self.refused(64, "--folds", args=[*run, "--folds", 1])
        self.refused(64, "--clf-c", args=[*run, "--clf-c", 0])
        self.refused(66, "nowhere", args=["classify", *QUIET, "--run", self.folder / "nowhere"])
        path = self.data / "sub-01/labels.npy"
        whole = path.read_bytes()
        path.write_bytes(whole[:128] + struct.pack("<i", 3) * 360)
        self.refused(65, "1 categories", args=run)
        path.unlink()
        self.refused(65, "no window with a label", args=run)
        self.done(*self.train("direct", ablate="no-rnn"))
        self.refused(64, "gat1, up, gat2", args=["classify", *QUIET, "--run", self.folder / "direct", "--latent", "lstm"])


class Arrays(Case):
    def test_latents_are_written_with_their_windows(self):
        result = self.ask("encode", "--latent", "gat1")
        path = self.folder / "run/latent_gat1.npz"
        self.assertEqual(rows(result, "files")[0]["file"], str(path))
        self.assertIsNone(zipfile.ZipFile(path).testzip())
        a = np.load(path)
        self.assertEqual(sorted(a.files), ["label", "part", "start_frame", "subject", "x"])
        self.assertEqual(a["x"].shape, (len(a["part"]), 4 * FRAMES))
        self.assertEqual(a["x"].dtype, np.float32)
        self.assertTrue((a["x"] > -1).all())  # after ELU
        self.assertGreater(a["x"].std(axis=0).min(), 0)
        starts = {k: list(a["start_frame"][a["part"] == k]) for k in range(3)}
        self.assertEqual(starts[2], list(range(TEST_START, 360 - FRAMES + 1, 3)))
        labels = self.file("labels")
        for start, label in zip(a["start_frame"], a["label"]):
            self.assertEqual(np.bincount(labels[start + 4:start + 8]).argmax(), label)
        out = self.folder / "elsewhere"
        self.ask("encode", "--latent", "lstm", "--stride", 12, "--out", out)
        self.assertEqual(np.load(out / "latent_lstm.npz")["x"].shape[1], FRAMES * 8)

    def test_predictions_hold_what_the_metrics_are_of(self):
        path = self.folder / "p.npz"
        result = self.ask("eval", "--predictions", path, "--metrics", "reference")
        p = np.load(path)
        self.assertEqual(p["y"].shape, p["y_hat"].shape)
        self.assertEqual(list(p["start_frame"]), list(range(TEST_START, 360 - FRAMES + 1, FRAMES)))
        y, z = (p[k].astype(float)[:, :, 1:].transpose(1, 0, 2).reshape(8, -1) for k in ("y", "y_hat"))
        r = [np.corrcoef(a, b)[0, 1] for a, b in zip(y, z)]
        self.assertAlmostEqual(result["metrics"]["pearson"]["value"], np.mean(r), places=9)
        self.assertAlmostEqual(result["metrics"]["mse"]["value"], ((y - z) ** 2).mean(), places=9)
        scale = (y * z).sum(1) / (z * z).sum(1)
        self.assertAlmostEqual(result["metrics"]["scaled_mse"]["value"], ((y - scale[:, None] * z) ** 2).mean(), places=9)
        kept = self.ask("eval", "--keep-first-frame")
        y, z = (p[k].astype(float).transpose(1, 0, 2).reshape(8, -1) for k in ("y", "y_hat"))
        self.assertAlmostEqual(kept["metrics"]["pearson"]["value"], np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(y, z)]), places=9)
        attention = result["series"]["attention"]["columns"]["mass"]
        self.assertEqual(len(attention), sum(result["model"]["coefficients"]))
        self.assertAlmostEqual(sum(attention), 1, places=6)
        self.assertNotIn("reference_r2", kept["metrics"])

    def test_a_whole_recording_is_translated_as_its_windows_are(self):
        out, path = self.folder / "fmri.npy", self.folder / "p.npz"
        run = ["translate", *QUIET, "--run", self.folder / "run", "--out", out]
        ele = self.data / "sub-01/ele.npy"
        result = self.result([*run, "--ele", ele])
        translated = np.load(out)
        self.assertEqual((translated.shape, translated.dtype), ((8, 360), np.dtype("float32")))
        self.assertEqual(result["data"]["translated_frames"], 360)
        self.ask("eval", "--predictions", path)
        predicted = np.load(path)
        for start, y_hat in zip(predicted["start_frame"], predicted["y_hat"]):
            np.testing.assert_allclose(translated[:, start:start + FRAMES], y_hat, atol=1e-5)
        x = np.load(ele)
        np.save(self.folder / "part.npy", x[:, :100 * 17 + 40])
        self.result([*run, "--ele", self.folder / "part.npy"])
        self.assertEqual(np.load(out).shape, (8, 17))
        for wrong, words in ((x.T, ["[36000, 4]", "[4, samples"]), (x[:3], ["[3, 36000]"]), (x[:, :1199], ["1199", "1200"]), (x[0], ["[36000]"])):
            np.save(self.folder / "wrong.npy", np.ascontiguousarray(wrong))
            self.refused(65, *words, args=[*run, "--ele", self.folder / "wrong.npy"])
        x[2, 7] = np.inf
        np.save(self.folder / "wrong.npy", x)
        self.refused(65, "row 2, column 7", args=[*run, "--ele", self.folder / "wrong.npy"])
        self.refused(64, "--ele", args=run)
        self.refused(64, "sub-07", args=[*run, "--ele", ele, "--subject", "sub-07"])
        self.refused(66, "nothing.npy", args=[*run, "--ele", self.folder / "nothing.npy"])


class Responses(Case):
    def test_responses_are_reported_by_parcel_and_region(self):
        plain = self.ask("hrf")
        self.assertNotIn("regions", plain["tables"])
        parcels = rows(plain, "hrf")
        self.assertEqual(len(parcels), 4)
        h = plain["series"]["histograms"]["columns"]
        for name, low, high in (("d1", 6, 10), ("d2", 12, 14), ("s1", .5, 1.3), ("s2", .7, .8), ("c1", .5, 1.1), ("c2", .4, .8)):
            self.assertEqual(sum(h[name]), 4)
            self.assertAlmostEqual(h[f"{name}_from"][0], low, places=6)
            self.assertAlmostEqual(h[f"{name}_from"][1] - low, (high - low) / 20, places=6)
            counts = np.histogram([p[name] for p in parcels], 20, (low, high))[0]
            self.assertEqual(list(counts), h[name])
        self.assertIn("hrf_peak_mae", plain["metrics"])
        places = [("lh", "Vis"), ("lh", "Default"), ("rh", "Vis"), ("rh", "Vis")]
        truth = json.loads((self.data / "truth.json").read_text())

        def write(parcels):
            (self.data / "manifest.json").write_text(json.dumps({**truth, "parcels": {"ele": parcels, "hemo": []}}))

        write([{"name": f"p{i}", "hemisphere": a, "network": b, "lobe": None} for i, (a, b) in enumerate(places)])
        regions = {(r["by"], r["region"]): r for r in rows(self.ask("hrf"), "regions")}
        self.assertEqual(sorted(regions), [("hemisphere", "lh"), ("hemisphere", "rh"), ("network", "Default"), ("network", "Vis")])
        visual = regions["network", "Vis"]
        self.assertEqual(visual["parcels"], 3)
        self.assertAlmostEqual(visual["time_to_peak_s"], np.mean([parcels[i]["time_to_peak_s"] for i in (0, 2, 3)]))
        write([1, 2, 3, 4])
        self.refused(65, "manifest.json", args=["hrf", *QUIET, "--run", self.folder / "run"])

    def test_targets_and_attention_are_reported_by_region(self):
        path = self.folder / "attention.npz"
        plain = self.ask("eval", "--attention", path)
        self.assertNotIn("target_regions", plain["tables"])
        attention = np.load(path)
        self.assertEqual({name: attention[name].shape for name in attention}, {"ele": (4, 4), "hemo": (8, 8)})
        for matrix in attention.values():
            np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5)
        table = {(r["modality"], r["by"], r["to"], r["from"]): r["mass"] for r in rows(plain, "graph_attention")}
        self.assertEqual(len(table), 2 * 2 * 2)
        self.assertAlmostEqual(table["hemo", "patch", "001", "000"], attention["hemo"][4:, :4].sum(axis=1).mean(), places=5)
        # Complete graphs of selves alone: nobody hears another one.
        self.done(*self.train("alone", ablate="no-graph", frames=FRAMES))
        self.result(["eval", *QUIET, "--run", self.folder / "alone", "--attention", path])
        np.testing.assert_array_equal(np.load(path)["hemo"], np.eye(8, dtype="float32"))

        networks = ["Vis", "Default", "Vis", "", "Default", "Vis", "Vis", "Default"]
        truth = json.loads((self.data / "truth.json").read_text())
        hemo = [{"name": f"p{i}", "hemisphere": None, "network": n or None} for i, n in enumerate(networks)]
        (self.data / "manifest.json").write_text(json.dumps({**truth, "parcels": {"ele": [], "hemo": hemo}}))
        placed = self.ask("eval", "--attention", path)
        regions = {(r["by"], r["region"]): r for r in rows(placed, "target_regions")}
        self.assertEqual(sorted(regions), [("network", "Default"), ("network", "Vis")])
        parcels = rows(placed)
        self.assertEqual(regions["network", "Vis"]["parcels"], 4)
        self.assertAlmostEqual(regions["network", "Vis"]["pearson"], np.mean([parcels[i]["pearson"] for i in (0, 2, 5, 6)]))
        by_network = {(r["to"], r["from"]): r["mass"] for r in rows(placed, "graph_attention") if r["modality"] == "hemo"}
        self.assertEqual(len(by_network), 4)
        expected = attention["hemo"][np.ix_([1, 4, 7], [0, 2, 5, 6])].sum(axis=1).mean()
        self.assertAlmostEqual(by_network["Default", "Vis"], expected, places=5)
        result = self.folder / "result.json"
        result.write_text(json.dumps(placed))
        picture = self.folder / "picture.png"
        subprocess.run([sys.executable, "-B", PLOT, result, "--out", picture], check=True)
        self.assertGreater(picture.stat().st_size, 10000)

    def test_a_run_without_responses_has_none_to_report(self):
        self.done(*self.train("none", ablate="no-hrf"))
        self.refused(64, "without responses", args=["hrf", *QUIET, "--run", self.folder / "none"])


class Baselines(Case):
    def test_all_baselines_stand_in_one_table(self):
        run = ["baseline", *QUIET, "--data", self.data, "--frames", FRAMES]
        table = {r["kind"]: r for r in rows(self.result([*run, "--kind", "all"]), "kinds")}
        self.assertEqual(list(table), ["canonical-ridge", "lagged-ridge", "cca", "mlp", "lstm", "persistence", "mean"])
        self.assertEqual([k for k, r in table.items() if r["sees_truth"]], ["persistence"])
        for kind in ("canonical-ridge", "lagged-ridge", "cca"):
            self.assertGreater(table[kind]["pearson"], 0.2, kind)
        hemo = self.file("hemo").astype(float)
        starts = range(TEST_START, 360 - FRAMES + 1, FRAMES)
        now, before = (np.concatenate([hemo[:, s + 1 - d:s + FRAMES - d] for s in starts], axis=1) for d in (0, 1))
        self.assertAlmostEqual(table["persistence"]["pearson"], np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(now, before)]), places=5)
        mean = self.result([*run, "--kind", "mean"])
        self.assertIsNone(mean["metrics"]["pearson"]["value"])
        self.assertIn("varies", mean["metrics"]["pearson"]["reason"])

    def test_baselines_that_learn_have_seeds(self):
        run = ["baseline", *QUIET, "--data", self.data, "--frames", FRAMES, "--kind", "lstm", "--iterations", 20]
        both, alone = self.result([*run, "--seed", "0,1"]), self.result([*run, "--seed", "1"])
        self.assertEqual([r for r in rows(both) if r["seed"] == 1], rows(alone))
        self.assertEqual(len(both["metrics"]["pearson"]["per_seed"]), 2)
        self.refused(64, "--kind", args=["baseline", "--kind", "svm"])


class Pictures(Case):
    def test_confusion_and_responses_are_drawn(self):
        for name in ("classify", "hrf"):
            self.ask(name, "--out", self.folder / name)
            result = self.folder / name / "result.json"
            done = subprocess.run([sys.executable, PLOT, result], capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual((self.folder / name / "samba-align.png").read_bytes()[1:4], b"PNG")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
