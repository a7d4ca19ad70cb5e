"""bias-learning as a user meets it: results, schemas, frozen weights, bad input, kill and resume."""

import json
import pathlib
import random
import signal
import statistics
import struct
import subprocess
import sys
import time
import unittest
import zipfile

import tool_case

TOOL = tool_case.Tool(*sys.argv[1:4])
PLOT = pathlib.Path(sys.argv[4]).resolve()
QUIET = ["--quiet", "--threads", "1"]
RNN = ["train-rnn", *QUIET, "--hidden", "20", "--steps", "40", "--iters", "4000", "--gain", "0.5,1.5", "--seed", "0,1",
       "--checkpoint-every", "500"]


def comparable(path):
    return tool_case.comparable(path, timed=["images_per_second", "iterations_per_second"])


class Case(tool_case.Case):
    tool = TOOL

    def result(self, *args):
        result = json.loads(self.done(*args).stdout)
        self.validate(result)
        return result


class Images(Case):
    """Ten classes that a bright row tells apart, in files of our own."""

    def setUp(self):
        super().setUp()
        rng = random.Random(2)
        self.pixels, self.labels = bytearray(), bytearray()
        for n in range(240):
            label = rng.randrange(10)
            image = bytearray(rng.randrange(60) for _ in range(784))
            image[28 * (2 * label + 3):28 * (2 * label + 4)] = bytes([250] * 28)
            self.pixels += image
            self.labels.append(label)
        self.images, self.names = self.folder / "images", self.folder / "labels"
        self.images.write_bytes(struct.pack(">4I", 0x803, 240, 28, 28) + self.pixels)
        self.names.write_bytes(struct.pack(">2I", 0x801, 240) + self.labels)

    def args(self, *more):
        values = {"--data": f"rows={self.images},{self.names}", "--tasks": "rows,rows-relabel", "--hidden": "200",
                  "--epochs": "10", "--batch": "20", **dict(zip(more[::2], more[1::2]))}
        return ["train-fnn", *QUIET, *(word for option in values.items() for word in option)]

    def test_one_set_of_weights_learns_two_labelings_and_stays_as_it_was(self):
        out = self.folder / "run"
        result = self.result(*self.args("--train", "bias,mask,gain,readout,output-bias,full,random", "--out", out))
        for task in ("rows", "rows-relabel"):
            for method, least in (("bias", 0.3), ("readout", 0.8), ("full", 0.8)):
                self.assertGreater(result["metrics"][f"{task}/{method}/test_accuracy"]["value"], least, method)
            # Chance is 0.1, of 40 images; what was not trained stays there.
            self.assertLess(result["metrics"][f"{task}/random/test_accuracy"]["value"], 0.3)
        model = result["model"]
        # The readout's and full training's have changed; biases' are those they were stored with.
        self.assertNotEqual(model["weights_hash_start"], model["weights_hash_end"])
        frozen = self.result(*self.args("--train", "bias,mask,gain"))["model"]
        self.assertEqual(frozen["weights_hash_start"], model["weights_hash_start"])
        self.assertEqual(frozen["weights_hash_end"], model["weights_hash_start"])
        self.assertEqual({k: v for k, v in model.items() if k.startswith("trained_params/")}, {
            "trained_params/bias": 200, "trained_params/mask": 200, "trained_params/gain": 200, "trained_params/readout": 2000,
            "trained_params/output-bias": 10, "trained_params/full": 200 * 795, "trained_params/random": 0})
        self.assertEqual((model["trained_params"], model["total_params"]), (200, 200 * 795))
        self.assertEqual((result["data"]["train_images/rows"], result["data"]["test_images/rows"]), (200, 40))
        head = (out / "biases.safetensors").read_bytes()
        header = json.loads(head[8:8 + struct.unpack("<Q", head[:8])[0]])
        self.assertEqual(set(header) - {"__metadata__"}, {"b/rows", "b/rows-relabel", "s/rows", "s/rows-relabel"})
        self.assertEqual(header["b/rows"]["shape"], [200])
        self.assertEqual(header["__metadata__"]["weights_hash"], model["weights_hash_start"])
        self.assertEqual(sum(row[1] for row in result["tables"]["clusters"]["rows"]),
                         len(result["series"]["unit_variance"]["columns"]["unit"]))

    def test_stored_biases_score_as_they_did_and_on_their_own_weights_only(self):
        runs = [self.folder / name for name in "ab"]
        first, _ = (self.result(*self.args("--train", "bias,mask", "--seed", seed, "--out", out)) for seed, out in zip("12", runs))
        again = self.result("eval", *QUIET, "--run", runs[0])
        for name in ("rows/bias/test_accuracy", "rows-relabel/mask/test_accuracy", "rows/bias/loss", "rows/spearman", "rows/on_fraction",
                     "mask/on_units", "mask/corr_tv"):
            self.assertEqual(again["metrics"][name]["value"], first["metrics"][name]["value"], name)
        other_threads = self.result("eval", "--quiet", "--threads", "2", "--run", runs[0])["metrics"]
        self.assertAlmostEqual(other_threads["rows/bias/loss"]["value"], first["metrics"]["rows/bias/loss"]["value"], places=7)
        self.assertEqual(other_threads["rows/bias/test_accuracy"], again["metrics"]["rows/bias/test_accuracy"])
        self.assertEqual([row[1] for row in again["tables"]["task_variance"]["rows"]], ["rows", "rows-relabel"])
        self.refused(78, "weights", args=["eval", "--quiet", "--run", runs[0], "--biases", runs[1] / "biases.safetensors"])
        self.refused(66, "nowhere", args=["eval", "--quiet", "--run", self.folder / "nowhere"])
        self.refused(64, "--run", args=["eval", "--quiet"])
        self.refused(64, "--analysis", args=["eval", "--quiet", "--run", runs[0], "--analysis", "colour"])
        self.refused(64, "--analysis jacobian", "train-fnn", args=["eval", "--quiet", "--run", runs[0], "--analysis", "jacobian"])

        # Only what is asked for; other units than those that the biases were trained for.
        some = self.result("eval", *QUIET, "--run", runs[0], "--analysis", "spearman")
        self.assertEqual(set(some["metrics"]), {"rows/spearman", "rows-relabel/spearman"})
        steps = self.result("eval", *QUIET, "--run", runs[0], "--analysis", "accuracy", "--activation", "heaviside")["metrics"]
        self.assertNotEqual(steps["rows/bias/loss"]["value"], first["metrics"]["rows/bias/loss"]["value"])

        # The same weights, other biases: legal. Another number of units, or none of the tasks: not.
        path = self.folder / "other.safetensors"

        def rewritten(change):
            header, data = self.stored(runs[0] / "biases.safetensors")
            change(header)
            text = json.dumps(header).encode()
            path.write_bytes(struct.pack("<Q", len(text)) + text + data)
            return ["eval", "--quiet", "--run", runs[0], "--biases", path]

        def swap(header):
            header["b/rows"], header["b/rows-relabel"] = header["b/rows-relabel"], header["b/rows"]
        swapped = self.result(*rewritten(swap))["metrics"]
        self.assertLess(swapped["rows/bias/test_accuracy"]["value"], first["metrics"]["rows/bias/test_accuracy"]["value"])
        self.refused(65, "found no b/TASK", args=rewritten(lambda header: [header.update({f"x{k}": header.pop(k)}) for k in list(header) if "/" in k]))

        def halve(header):  # as many numbers, cut into two tensors
            first_byte, end = header["b/rows"]["data_offsets"]
            header["b/rows"] = {"dtype": "F32", "shape": [100], "data_offsets": [first_byte, first_byte + 400]}
            header["rest"] = {"dtype": "F32", "shape": [100], "data_offsets": [first_byte + 400, end]}
        self.refused(78, "b/rows has 100 units, expected 200", args=rewritten(halve))

    def stored(self, path):
        data = path.read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        return json.loads(data[8:8 + size]), data[8 + size:]

    def test_task_variances_are_dumped_for_numpy(self):
        out, path = self.folder / "run", self.folder / "tv.npz"
        first = self.result(*self.args("--seed", "0,1", "--out", out))
        both = self.result("eval", *QUIET, "--run", out)
        self.assertEqual(both["metrics"]["rows/spearman"]["per_seed"], first["metrics"]["rows/spearman"]["per_seed"])
        self.refused(64, "--dump-tv", args=["eval", "--quiet", "--run", out, "--dump-tv", path])
        result = self.result("eval", *QUIET, "--run", out, "--biases", out / "biases-1.safetensors", "--dump-tv", path)
        with zipfile.ZipFile(path) as archive:
            names, tv, biases = (archive.read(f"{name}.npy") for name in ("tasks", "TV", "biases"))
        self.assertIn(b"'shape': (2, 200)", tv[:128])
        self.assertEqual(names[-24:], b"rows" + bytes(8) + b"rows-relabel")
        header, data = self.stored(out / "biases-1.safetensors")
        self.assertEqual(biases[-1600:], data[:1600])
        values = struct.unpack("<200f", tv[-1600:-800])
        row = result["tables"]["task_variance"]["rows"][0]
        self.assertEqual(row[:2], [1, "rows"])
        self.assertAlmostEqual(sum(values) / 200, row[2], places=5)
        self.assertAlmostEqual(statistics.median(values), row[3], places=5)
        self.assertEqual(result["data"]["test_images/rows"], 40)
        self.assertAlmostEqual(sum(v > 0.1 for v in values) / 200, result["metrics"]["rows/on_fraction"]["value"])

    def test_deeper_networks_other_activations_and_two_classes_learn(self):
        deep = self.result(*self.args("--layers", "2", "--hidden", "100", "--weights", "normal", "--train", "bias,mask,full", "--epochs", "20"))
        self.assertEqual((deep["model"]["trained_params"], deep["model"]["total_params"]), (200, 100 * (784 + 100 + 10 + 2)))
        self.assertGreater(deep["metrics"]["rows/bias/test_accuracy"]["value"], 0.25)
        self.assertGreater(deep["metrics"]["rows/full/test_accuracy"]["value"], 0.8)
        for activation in ("tanh", "sigmoid"):
            metrics = self.result(*self.args("--activation", activation, "--train", "bias,readout"))["metrics"]
            self.assertGreater(metrics["rows/readout/test_accuracy"]["value"], 0.6, activation)
        parity = self.result(*self.args("--tasks", "rows,rows-parity", "--train", "bias,full-equal"))
        self.assertGreater(parity["metrics"]["rows-parity/bias/test_accuracy"]["value"], 0.65)
        self.assertEqual(len(parity["tables"]["clusters"]["columns"]), 2 + 2 * 2)

    def test_an_output_bias_is_trained_only_when_asked_for_and_said(self):
        out = self.folder / "run"
        args = self.args("--out", out, "--layers", "2", "--weights", "normal", "--hidden", "50")
        done = self.tool.run(*[a for a in args if a != "--quiet"], "--output-bias", "--residual")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertIn("bias of the outputs", done.stderr)
        self.assertEqual((result["model"]["trained_params"], result["model"]["output_bias"]), (110, True))
        again = self.result("eval", *QUIET, "--run", out)
        for name in ("rows/bias/test_accuracy", "rows/bias/loss", "rows-relabel/spearman"):
            self.assertEqual(again["metrics"][name]["value"], result["metrics"][name]["value"], name)
        self.assertFalse(self.result(*self.args())["model"]["output_bias"])

    def test_every_task_has_its_own_loss_mask_and_name(self):
        both = self.result(*self.args("--tasks", "rows,rows-parity", "--train", "bias,mask", "--seed", "0,1"))
        for task in ("rows", "rows-parity"):
            alone = self.result(*self.args("--tasks", task, "--train", "bias,mask", "--seed", "0,1"))
            for name in (f"loss/{task}/{method}/{seed}" for method in ("bias", "mask") for seed in (0, 1)):
                for a, b in zip(both["series"][name]["columns"]["loss"], alone["series"][name]["columns"]["loss"]):
                    self.assertAlmostEqual(a, b, places=5, msg=name)
            self.assertEqual(both["metrics"][f"{task}/mask/on_units"], alone["metrics"]["mask/on_units"])
        self.assertEqual(len([name for name in both["series"] if name.startswith("loss/")]), 8)

    def test_a_run_goes_on_with_its_own_images_only(self):
        args = self.args("--epochs", "40000", "--tasks", "rows", "--out", self.folder / "run")
        self.assertEqual(self.tool.run(*args, "--max-time", "0.3s").returncode, 75)
        self.labels[0] = (self.labels[0] + 1) % 10
        self.names.write_bytes(struct.pack(">2I", 0x801, 240) + self.labels)
        self.refused(78, "data rows", "labels", args=[*args, "--resume", "auto"])

    def test_biases_are_scored_on_the_images_that_they_were_made_with(self):
        self.done(*self.args("--tasks", "rows", "--out", self.folder / "run"))
        self.labels[-1] = (self.labels[-1] + 1) % 10
        self.names.write_bytes(struct.pack(">2I", 0x801, 240) + self.labels)
        self.refused(78, "data/rows/labels", "made with", args=["eval", *QUIET, "--run", self.folder / "run"])

    def test_biases_of_other_units_are_refused(self):
        for name in ("relu", "tanh"):
            self.done(*self.args("--activation", name, "--out", self.folder / name))
        self.refused(78, "activation", "made with relu, but the run has tanh",
                     args=["eval", *QUIET, "--run", self.folder / "tanh", "--biases", self.folder / "relu/biases.safetensors"])
        self.done(*self.args("--train", "mask", "--out", self.folder / "mask"))
        self.refused(64, "--dump-tv", "no biases", args=["eval", *QUIET, "--run", self.folder / "mask", "--dump-tv", self.folder / "x.npz"])

    def test_too_few_units_for_the_clusters_cost_no_result(self):
        done = self.tool.run(*self.args("--range", "1e-9", "--hidden", "20", "--epochs", "1", "--lr", "1e-12", "--clusters", "3"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, "--clusters: found 0 units that vary, expected at least 3")
        self.assertNotIn("clusters", json.loads(done.stdout).get("tables", {}))

    def test_a_rate_that_is_far_too_large_is_told_of(self):
        args = [a for a in self.args("--tasks", "rows", "--seed", "3") if a != "--quiet"]
        done = self.tool.run(*args, "--lr", "100")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"warning: rows/bias, seed 3: .* above that of guessing, 2.3; .* --lr")
        self.assertNotIn("guessing", self.tool.run(*args, "--lr", "auto").stderr)

    def test_widths_and_ranges_are_swept_in_one_run_each_as_alone(self):
        out = self.folder / "run"
        result = self.result(*self.args("--hidden", "50,200", "--train", "bias,full-equal", "--out", out))
        widths = result["series"]["widths"]["columns"]
        self.assertEqual((widths["hidden"], widths["trained_params/bias"], widths["trained_params/full-equal"]),
                         ([50, 200], [50, 200], [795, 795]))
        alone = self.result(*self.args("--train", "bias"))
        self.assertEqual(widths["rows/bias"][1], alone["metrics"]["rows/bias/test_accuracy"]["value"])
        self.assertEqual(result["metrics"]["rows/hidden-200/spearman"]["value"], alone["metrics"]["rows/spearman"]["value"])
        self.assertEqual(self.result("eval", *QUIET, "--run", out, "--biases", out / "biases-hidden-200.safetensors")["model"]["hidden"], 200)
        ranges = self.result(*self.args("--range", "0.03,0.1"))["series"]["ranges"]["columns"]
        self.assertEqual((ranges["range"], ranges["rows/bias"][1]), ([0.03, 0.1], widths["rows/bias"][1]))

    def test_biases_are_solved_for(self):
        pixels, labels = self.pixels * 4, bytearray(self.labels * 4)  # enough of every class
        self.images.write_bytes(struct.pack(">4I", 0x803, 960, 28, 28) + pixels)
        self.names.write_bytes(struct.pack(">2I", 0x801, 960) + labels)
        args = self.args("--solver", "ntk", "--hidden", "3000", "--weights", "normal", "--test-images", "100", "--seed", "0,1")
        out = self.folder / "run"
        result = self.result(*args, "--out", out)
        self.assertEqual(result["metrics"]["rows/ntk/train_accuracy"]["per_seed"], [1, 1])
        again = self.result("eval", *QUIET, "--run", out)["metrics"]
        for task in ("rows", "rows-relabel"):
            for a, b in zip(result["metrics"][f"{task}/ntk/network_accuracy"]["per_seed"],
                            again[f"{task}/bias/test_accuracy"]["per_seed"]):
                self.assertAlmostEqual(a, b, delta=0.011)  # single precision may turn one of 100 images
        self.assertGreater(result["metrics"]["rows-relabel/ntk/test_accuracy"]["value"], 0.7)
        self.assertEqual(result["model"]["trained_params"], 3010)

    def test_the_order_of_methods_and_sweeps_changes_no_figure(self):
        figures = [self.result(*self.args("--tasks", "rows", "--train", train, "--range", ranges))["metrics"]
                   for train, ranges in (("bias,mask", "0.1"), ("mask,bias", "0.1"), ("mask,bias", "0.05,0.1"))]
        for name in ("corr_tv", "on_units"):
            one, other, swept = (f[f"mask/{at}{name}"]["value"] for f, at in zip(figures, ("", "", "range-0.1/")))
            self.assertEqual([one, one], [other, swept], name)

    def test_pictures_are_drawn(self):
        ntk = ["--solver", "ntk", "--hidden", "300", "--train-images", "960", "--test-images", "100"]
        run = self.folder / "run"
        for name, args in (("tasks", self.args("--out", run)), ("again", ["eval", *QUIET, "--run", run]),
                           ("random", self.args("--train", "random")), ("widths", self.args("--hidden", "20,50", "--train", "bias,full-equal")),
                           ("ranges", self.args("--range", "0.03,0.1")), ("solved", self.args(*ntk)),
                           ("theory", ["check-theory", "--quiet", "--width", "100,300", "--seed", "0..3"])):
            if name == "solved":  # enough of every class
                self.images.write_bytes(struct.pack(">4I", 0x803, 1200, 28, 28) + self.pixels * 5)
                self.names.write_bytes(struct.pack(">2I", 0x801, 1200) + bytes(self.labels * 5))
            result, picture = self.folder / f"{name}.json", self.folder / f"{name}.png"
            result.write_text(self.done(*args).stdout)
            done = subprocess.run(["/usr/bin/python3", PLOT, result, "--out", picture], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(picture.read_bytes()[:4], b"\x89PNG", name)

    def test_killed_runs_go_on_to_the_same_bytes(self):
        def args(name):
            return self.args("--train", "bias,mask", "--epochs", "200", "--checkpoint-every", "300", "--out", self.folder / name)
        start = time.monotonic()
        self.done(*args("whole"))
        for name, done in self.killed_at_random("killed", args, time.monotonic() - start):
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(comparable(self.folder / "whole/result.json"), comparable(self.folder / name / "result.json"))
            self.assertEqual((self.folder / "whole/biases.safetensors").read_bytes(),
                             (self.folder / name / "biases.safetensors").read_bytes())

    def test_damaged_files_are_refused_by_name(self):
        whole = self.images.read_bytes()
        self.images.write_bytes(b"\0\0\x08\x04" + whole[4:])
        self.refused(65, "images", args=self.args())
        self.images.write_bytes(whole[:1000])
        self.refused(65, "images", "truncated", args=self.args())
        self.images.write_bytes(struct.pack(">4I", 0x803, 960, 14, 14) + self.pixels)
        self.refused(65, "14x14", "28x28", args=self.args())
        self.images.write_bytes(whole)
        self.names.write_bytes(struct.pack(">2I", 0x801, 239) + self.labels[:239])
        self.refused(65, "239 labels", "240", args=self.args())
        self.names.write_bytes(struct.pack(">2I", 0x801, 240) + b"\x0a" + self.labels[1:])
        self.refused(65, "label 0 is 10", args=self.args())
        self.names.unlink()
        self.refused(66, "labels", args=self.args())

    def test_impossible_requests_are_refused(self):
        self.refused(64, "--hidden", args=self.args("--hidden", "0"))
        self.refused(64, "--range", args=self.args("--range", "0"))
        self.refused(64, "--clusters", args=self.args("--clusters", "201"))
        self.refused(64, "--tasks", "twice", args=self.args("--tasks", "rows,rows"))
        self.refused(64, "--tasks", "rows-rot45", args=self.args("--tasks", "rows-rot45"))
        self.refused(64, "--data", "kmnist", args=["train-fnn", *QUIET, "--data", "kmnist"])
        self.refused(64, "--train-images", "200", args=self.args("--train-images", "201"))
        self.refused(64, "--cache-memory", args=self.args("--cache-memory", "4T"))
        self.refused(64, "--range", "'x'", args=self.args("--range", "0.1,x"))
        self.refused(64, "--range", "normal", args=self.args("--range", "0.1,0.2", "--weights", "normal"))
        self.refused(64, "--range", "--hidden", args=self.args("--range", "0.1,0.2", "--hidden", "10,20"))
        self.refused(64, "--hidden", "twice", args=self.args("--hidden", "20,20"))
        self.refused(64, "--residual", "--layers", args=[*self.args(), "--residual"])
        self.refused(64, "full-equal", args=self.args("--layers", "2", "--train", "full-equal"))
        self.refused(64, "--activation", "heaviside", args=self.args("--activation", "heaviside"))
        self.refused(64, "--first-method-only", "nope", args=self.args("--first-method-only", "nope"))
        self.refused(64, "--width", "twice", args=["check-theory", "--width", "100,100"])
        self.refused(64, "--tasks", "mine", args=self.args("--tasks", "mine"))
        self.refused(64, "--train", args=self.args("--train", "weights"))
        self.refused(64, "--solver", "bias", args=self.args("--solver", "ntk", "--train", "full"))
        self.refused(65, "class", "20", args=self.args("--solver", "ntk", "--test-images", "40", "--train-images", "150"))


class Missing(Case):
    def test_mnist_that_is_nowhere_is_asked_for(self):
        done = self.tool.run("train-fnn", *QUIET, "--data", "mnist", cwd=self.folder, env={"PATH": "/usr/bin"})
        self.assertEqual(done.returncode, 66, done.stderr)
        self.assertIn("data/mnist/t10k-images-idx3-ubyte", done.stderr)
        self.assertIn("--data mnist=IMAGES,LABELS", done.stderr)


class Recurrent(Case):
    def test_the_target_of_van_der_pol_is_that_of_the_specification(self):
        path = self.folder / "t.csv"
        self.done("train-rnn", "--quiet", "--dump-target", path)
        rows = [line.split(",") for line in path.read_text().splitlines()]
        self.assertEqual(rows[0], ["t", "x", "v", "target"])
        self.assertEqual([round(float(r[3]), 5) for r in rows[1:4]], [0.9924, 0.97852, 0.95957])
        self.assertEqual(len(rows), 201)

    def test_killed_runs_go_on_to_the_same_bytes(self):
        start = time.monotonic()
        self.done(*RNN, "--out", self.folder / "whole")
        whole_s = time.monotonic() - start
        self.validate(json.loads((self.folder / "whole/result.json").read_text()))
        for name, done in self.killed_at_random("killed", lambda name: [*RNN, "--out", self.folder / name], whole_s):
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(comparable(self.folder / "whole/result.json"), comparable(self.folder / name / "result.json"))

    def test_a_gain_that_overflows_is_reported_with_its_step(self):
        done = self.done("train-rnn", "--threads", "1", "--hidden", "20", "--gain", "1.5,1e9", "--iters", "5")
        result = json.loads(done.stdout)
        self.validate(result)
        self.assertIn("iteration 0", done.stderr)
        self.assertIsNone(result["metrics"]["mse/bias/1e+09"]["value"])
        self.assertIsNotNone(result["metrics"]["mse/bias/1.5"]["value"])

    def test_every_system_is_learned_scored_again_and_drawn(self):
        table = self.folder / "wave.csv"
        table.write_text("t,y1,y2,x1\n" + "".join(f"{t},{(t % 9) / 9},{(t % 5) ** 2},{t % 2}\n" for t in range(60)))
        small = ["--hidden", "16", "--iters", "12", "--jacobian-steps", "2", "--gain", "0.8,1.5"]
        for name, more, figures in (
                ("cosine", ["--period", "20", "--train-r0"], ("mse", "nmse", "r2")),
                (f"csv:{table}", ["--activation", "tanh"], ("mse", "nmse", "r2")),
                ("lorenz", ["--batch", "4", "--steps", "60", "--train", "full"],
                 ("mse", "nmse", "horizon", "self_sustained_mse_27", "self_sustained_r2_400")),
                ("reach", ["--angles", "4", "--steps", "20", "--weights", "uniform"], ("distance_training", "distance_held_out"))):
            out = self.folder / name.split(":")[0]
            result = self.result("train-rnn", *QUIET, "--system", name, *small, *more, "--out", out)
            train = "full" if "full" in more else "bias"
            for figure in figures:
                self.assertIsNotNone(result["metrics"][f"{figure}/{train}/1.5"]["value"], figure)
            model = result["model"]
            self.assertEqual(model["weights_hash_start"] == model["weights_hash_end"], train == "bias")
            self.assertEqual(set(result["series"]["eigenvalues/0.8"]["columns"]["after"]), {0, 1})
            again = self.result("eval", *QUIET, "--run", out)
            for key, metric in again["metrics"].items():
                self.assertEqual(metric, result["metrics"][key], key)
            self.assertEqual(again["series"]["eigenvalues/1.5"], result["series"]["eigenvalues/1.5"])
            without = self.result("eval", *QUIET, "--run", out, "--analysis", "accuracy")
            self.assertNotIn("eigenvalues/1.5", without["series"])
            self.refused(64, "--biases", "train-rnn", args=["eval", *QUIET, "--run", out, "--biases", "b.safetensors"])
            self.refused(64, "--analysis tv", args=["eval", *QUIET, "--run", out, "--analysis", "tv"])
            done = subprocess.run(["/usr/bin/python3", PLOT, out / "result.json", "--out", self.folder / "p.png"],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        cosine, lorenz = (self.folder / name / "result.json" for name in ("cosine", "lorenz"))
        for both, code in (((cosine, cosine), 0), ((lorenz, lorenz), 0), ((cosine, lorenz), 65)):
            done = subprocess.run(["/usr/bin/python3", PLOT, *both, "--out", self.folder / "p.png"], capture_output=True, text=True)
            self.assertEqual(done.returncode, code, done.stderr)

    def test_train_is_one_of_the_two_by_its_task(self):
        result = self.result("train", *QUIET, "--task", "vdp", "--hidden", "10", "--iters", "2")
        self.assertEqual(result["schema"], "bias-learning.train-rnn/1")
        self.refused(64, "--task", args=["train", *QUIET])

    def test_stored_networks_of_another_size_are_refused(self):
        out = self.folder / "run"
        self.done("train-rnn", *QUIET, "--hidden", "10", "--iters", "2", "--out", out)
        other = self.folder / "other"
        self.done("train-rnn", *QUIET, "--hidden", "12", "--iters", "2", "--out", other)
        (out / "networks.safetensors").write_bytes((other / "networks.safetensors").read_bytes())
        self.refused(78, "1.5/0/b has 12 numbers", args=["eval", *QUIET, "--run", out])
        (out / "networks.safetensors").unlink()
        self.refused(66, "networks.safetensors", args=["eval", *QUIET, "--run", out])

    def test_targets_of_lorenz_are_the_view_tau_samples_later(self):
        path = self.folder / "t.csv"
        self.done("train-rnn", "--quiet", "--system", "lorenz", "--steps", "100", "--dump-target", path)
        rows = [line.split(",") for line in path.read_text().splitlines()]
        self.assertEqual(rows[0], ["t", "x", "y", "z", "target"])
        x, target = [float(r[1]) for r in rows[28:]], [float(r[4]) for r in rows[1:74]]
        slope = (x[40] - x[0]) / (target[40] - target[0])
        for a, b in zip(x, target):
            self.assertAlmostEqual(a - x[0], slope * (b - target[0]), places=6)

    def test_impossible_systems_are_refused(self):
        def refused(code, *words, args):
            self.refused(code, *words, args=["train-rnn", *QUIET, "--hidden", "10", "--iters", "2", *args])
        refused(64, "--system", "'pendulum'", args=["--system", "pendulum"])
        refused(66, "nowhere.csv", args=["--system", f"csv:{self.folder}/nowhere.csv"])
        refused(64, "--dt 0.5", "Lorenz", args=["--system", "lorenz", "--dt", "0.5"])
        refused(64, "--tau: reach has none", args=["--system", "reach", "--tau", "3"])
        refused(64, "--start: found 3", args=["--start", "1,2,2"])
        refused(64, "--start: found 'b'", args=["--start", "1,b"])
        refused(64, "--jacobian-steps: found 300", args=["--jacobian-steps", "300"])
        bad = self.folder / "bad.csv"
        bad.write_text("t,y1\n0,1\n1,abc\n")
        refused(65, "bad.csv:3", "y1", args=["--system", f"csv:{bad}"])

    def test_a_run_of_which_nothing_is_finite_ends_as_numeric_with_a_partial_result(self):
        done = self.tool.run("train-rnn", *QUIET, "--hidden", "10", "--iters", "200", "--gain", "1e9", "--out", self.folder / "run")
        self.assertEqual(done.returncode, 70, done.stderr)
        self.assertIn("iteration 0", done.stderr)
        self.assertIn("--gain", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        result = json.loads(done.stdout)
        self.validate(result)
        self.assertEqual((result["status"], result["stopped_by"]), ("partial", "nan"))
        self.assertFalse((self.folder / "run/networks.safetensors").exists())

    def test_eigenvalues_stop_when_asked_and_are_taken_by_the_next_call(self):
        args = ["train-rnn", "--threads", "1", "--hidden", "600", "--iters", "1", "--gain", "0.9,1,1.1,1.2,1.3", "--seed", "0,1",
                "--steps", "5", "--out", str(self.folder / "run")]
        process = subprocess.Popen([self.tool.path, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "eigenvalues" in line:
                break
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, err)
        self.assertEqual(json.loads(out)["status"], "partial")
        again = self.result(*args, "--quiet", "--resume", "auto")
        self.assertEqual(again["status"], "complete")
        self.assertNotIn(None, [row[-3] for row in again["tables"]["rnn"]["rows"]])

    def test_a_dry_run_and_a_dump_train_nothing(self):
        for more in (["--dry-run"], ["--dump-target", str(self.folder / "t.csv")]):
            result = self.result("train-rnn", *QUIET, "--hidden", "10", "--iters", "1000000000", *more)
            self.assertEqual(result.get("metrics", {}), {})
            self.assertEqual(result["data"]["name"], "vdp")

    def test_impossible_requests_are_refused(self):
        self.refused(64, "--gain", "'x'", args=["train-rnn", *QUIET, "--gain", "x"])
        self.refused(64, "--gain", "'0'", args=["train-rnn", *QUIET, "--gain", "0"])
        self.refused(64, "--hidden", args=["train-rnn", *QUIET, "--hidden", "0"])


class Effects(Case):
    """What the paper claims, at the presets, within what another implementation measured (specification, section 8)."""

    def test_biases_follow_van_der_pol_at_a_large_gain_only(self):
        metrics = self.result("train-rnn", "--quiet", "--preset", "small")["metrics"]
        self.assertGreater(min(metrics["mse/bias/0.5"]["per_seed"]), 0.3)
        self.assertLess(max(metrics["mse/bias/1.5"]["per_seed"]), 0.05)

    @unittest.skipUnless(tool_case.LONG, "a minute: TENFOLD_LONG=1")
    def test_lorenz_is_forecast_and_both_ways_of_training_fail_on_their_own_forecasts(self):
        for train, most in (("bias", 0.3), ("full", 0.002)):
            metrics = self.result("train-rnn", "--quiet", "--preset", "lorenz", "--train", train, "--seed", "0")["metrics"]
            self.assertLess(metrics[f"nmse/{train}/1.5"]["value"], most)
            self.assertGreater(metrics[f"self_sustained_mse_400/{train}/1.5"]["value"], 0.5)

    @unittest.skipUnless(tool_case.LONG, "a minute: TENFOLD_LONG=1")
    def test_reaching_generalises_from_many_angles_and_not_from_few(self):
        many = self.result("train-rnn", "--quiet", "--preset", "reach")["metrics"]
        few = self.result("train-rnn", "--quiet", "--preset", "reach", "--angles", "8")["metrics"]
        self.assertLess(many["distance_training/bias/1.5"]["value"], 0.06)
        self.assertLess(many["distance_held_out/bias/1.5"]["value"], 0.1)
        self.assertGreater(few["distance_held_out/bias/1.5"]["value"], 0.3)


class Theory(Case):
    def test_errors_fall_with_the_width(self):
        for check in ("ffn", "rnn"):
            metrics = self.result("check-theory", "--quiet", "--check", check, "--width", "100,10000")["metrics"]
            self.assertLess(metrics[f"error/{check}/10000"]["value"], metrics[f"error/{check}/100"]["value"] / 4)

    def test_switches_and_bounds_are_exact(self):
        for activation in ("relu", "heaviside"):
            for check in ("off-switch", "bounding"):
                result = self.result("check-theory", "--quiet", "--check", check, "--width", "100", "--activation", activation)
                for metric in result["metrics"].values():
                    self.assertLessEqual(max(metric["per_seed"]), 1e-5)

    def test_trained_biases_stay_behind_the_construction_and_the_spread_is_told(self):
        built, trained, steps = (self.result("check-theory", "--quiet", "--width", "1000", *more)
                                 for more in ([], ["--fit", "adam"], ["--activation", "heaviside"]))
        error = "error/ffn/1000"
        self.assertGreater(trained["metrics"][error]["value"], 2 * built["metrics"][error]["value"])
        self.assertLess(steps["metrics"][error]["value"], 0.4)
        row = dict(zip(built["tables"]["quantiles"]["columns"], built["tables"]["quantiles"]["rows"][0]))
        errors = sorted(built["metrics"][error]["per_seed"])
        self.assertAlmostEqual(row["median"], (errors[9] + errors[10]) / 2)
        self.assertAlmostEqual(row["q05"], errors[0] + 0.95 * (errors[1] - errors[0]))
        self.assertAlmostEqual(row["q95"], errors[18] + 0.05 * (errors[19] - errors[18]))

    def test_impossible_requests_are_refused(self):
        self.refused(64, "--width", args=["check-theory", "--quiet", "--width", "20"])
        self.refused(64, "--width", args=["check-theory", "--quiet", "--width", "0"])
        self.refused(64, "--range", args=["check-theory", "--quiet", "--range", "0"])
        self.refused(64, "--fit", args=["check-theory", "--quiet", "--check", "rnn", "--fit", "adam"])
        self.refused(64, "--activation", args=["check-theory", "--quiet", "--check", "rnn", "--activation", "heaviside"])
        self.refused(64, "--target", args=["check-theory", "--quiet", "--target", "cos"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
