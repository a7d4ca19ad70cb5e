"""rich-lazy as a user meets it: results, schemas, bad input, kill and resume, signals, pictures."""

import gzip
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time
import unittest

import tool_case

TOOL = tool_case.Tool(*sys.argv[1:4])
PLOT = pathlib.Path(sys.argv[4]).resolve()
QUIET = ["--quiet", "--threads", "1"]
SMALL = {"task": "2AF", "hidden": 24, "ranks": "1,full", "iters": 60, "eval-batches": 2, "ntk-trials": 4, "log-every": 10,
         "eval-every": 20, "checkpoint-every": 15}


def options(values):
    return [word for name, value in values.items() if value is not None for word in
            ([f"--{name}"] if value is True else [f"--{name}", str(value)])]


def rows(result, name="models"):
    table = result["tables"][name]
    return [dict(zip(table["columns"], row)) for row in table["rows"]]


def comparable(path):
    return tool_case.comparable(path, timed=["seconds_"])


class Case(tool_case.Case):
    tool = TOOL

    def train(self, out, **more):
        values = {**SMALL, "out": self.folder / out, **{k.replace("_", "-"): v for k, v in more.items()}}
        return ["train", *QUIET, *options(values)]

    def result(self, args):
        result = json.loads(self.done(*args).stdout)
        self.validate(result)
        return result

    def nodes(self, units, inhibitory=()):
        path = self.folder / "nodes.csv"
        path.write_text("index,sign\n" + "".join(f"{k},{-1 if k in inhibitory else 1}\n" for k in range(units)))
        return path

    def mnist(self, folder):
        """48 images, 44 of which are trained on."""
        folder.mkdir(parents=True, exist_ok=True)
        pixels = bytes((k * 7 + i) % 256 for k in range(48) for i in range(784))
        (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(struct.pack(">IIII", 0x803, 48, 28, 28) + pixels))
        (folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 48) + bytes(k % 10 for k in range(48)))
        return folder

    def same_runs(self, a, b):
        a, b = self.folder / a, self.folder / b
        self.assertEqual((a / "metrics.jsonl").read_bytes(), (b / "metrics.jsonl").read_bytes())
        self.assertEqual(comparable(a / "result.json"), comparable(b / "result.json"))


class Results(Case):
    def test_every_task_seed_rank_and_rate_has_a_row_and_seeds_are_averaged(self):
        result = self.result(self.train("run", task="2af,CXT,dms", ranks="4,full", seed="0,2", lr="0.01,0.003"))
        found = rows(result)
        self.assertEqual(len(found), 3 * 2 * 2 * 2)
        self.assertEqual(sum(r["chosen"] for r in found), 3 * 2 * 2)
        for task in ("2AF", "CXT", "DMS"):
            for rank in (4, 24):
                values = [r["kernel_alignment"] for r in found if (r["task"], r["rank"], r["chosen"]) == (task, rank, True)]
                metric = result["metrics"][f"{task}/rank-{rank}/kernel_alignment"]
                self.assertEqual(metric["per_seed"], values)
                self.assertAlmostEqual(metric["value"], sum(values) / 2)
                self.assertAlmostEqual(metric["stderr"], abs(values[0] - values[1]) / 2)
        for row in found:
            self.assertEqual(row["matrix_rank"], row["rank"])
            self.assertEqual(row["ntk_size"], 4 * 8 * 3)
            self.assertTrue(0 < row["kernel_alignment"] <= 1 and 0 < row["rep_alignment"] <= 1, row)
        self.assertEqual(len({round(r["init_fro_norm"], 4) for r in found}), 2)  # one norm a seed
        loss = result["series"]["2AF/rank-4/seed-0/lr-0.01/loss"]["columns"]
        self.assertEqual(loss["iter"], [0, 10, 20, 30, 40, 50])

    def test_without_training_nothing_changed(self):
        for row in rows(self.result(self.train("run", iters=0))):
            self.assertEqual(row["weight_change_norm"], 0)
            self.assertEqual(row["sign_similarity"], 1)
            self.assertAlmostEqual(row["rep_alignment"], 1, places=9)
            self.assertAlmostEqual(row["kernel_alignment"], 1, places=9)
            self.assertIsNone(row["final_loss"])

    def test_an_evaluation_repeats_the_measures_of_a_training(self):
        trained = self.result(self.train("run", accuracy_trials=50))
        again = self.result(["eval", *QUIET, "--run", self.folder / "run", "--accuracy-trials", "50"])
        self.assertEqual(rows(trained), rows(again))
        self.assertEqual(trained["series"], again["series"])
        more = self.result(["eval", *QUIET, "--run", self.folder / "run", "--ntk-trials", "8"])
        self.assertEqual([r["ntk_size"] for r in rows(more)], [8 * 8 * 3] * 2)
        self.assertEqual([r["rep_alignment"] for r in rows(more)], [r["rep_alignment"] for r in rows(trained)])

    def test_measures_along_training_end_in_those_of_the_end(self):
        result = self.result(self.train("run", measure_every=20))
        along = result["series"]["2AF/rank-1/seed-0/measures"]["columns"]
        self.assertEqual(along["iter"], [20, 40, 60])
        self.assertEqual(along["kernel_alignment"][-1], rows(result)[0]["kernel_alignment"])
        self.assertGreater(along["weight_change_norm"][2], along["weight_change_norm"][0])

    def test_every_initial_matrix_is_trained_beside_its_controls(self):
        (self.folder / "types.csv").write_text("type,fraction,sign\nE,0.8,1\nI,0.2,-1\n")
        (self.folder / "pairs.csv").write_text("type_pre,type_post,p,mean_weight\nE,E,0.5,1\nE,I,0.5,1\nI,E,0.5,3\nI,I,0.5,3\n")
        blocks = {"block_types": self.folder / "types.csv", "block_pairs": self.folder / "pairs.csv"}
        for init, more in {"dale": {}, "motif": {"motif_reciprocal": 0.5, "motif_chain": 0.1}, "block": blocks, "aligned": {}}.items():
            with self.subTest(init):
                result = self.result(self.train(init, init=init, ranks=None, **more))
                self.assertEqual([r["init"] for r in rows(result)], [init, "shuffled", "gauss"])
                self.assertEqual(len({round(r["init_fro_norm"], 4) for r in rows(result)}), 1)
                self.assertIn("2AF/shuffled/rank-24/kernel_alignment", result["metrics"])
        self.assertEqual(rows(self.result(self.train("one", init="aligned", ranks=None)))[0]["matrix_rank"], 1)

    def test_the_worm_is_the_connectome_with_its_own_size_and_gain(self):
        result = self.result(self.train("run", init="celegans", hidden=None, ranks=None, iters=2))
        self.assertEqual(result["data"]["origin"], "generated")  # its trials
        self.assertEqual((result["model"]["hidden"], result["model"]["gain"]), (297, 0.4))
        worm, shuffled, gauss = rows(result)
        self.assertAlmostEqual(worm["effective_rank"], 0.1015, places=3)
        self.assertAlmostEqual(worm["init_fro_norm"], 0.4 * 297 ** 0.5, delta=0.1)
        self.assertAlmostEqual(worm["spectral_radius"], 1.26, delta=0.02)
        self.assertAlmostEqual(gauss["spectral_radius"], 0.41, delta=0.02)
        self.assertLess(worm["effective_rank"], shuffled["effective_rank"])
        self.refused(64, "rank 295 > 292, the rank of celegans", args=self.train("x", init="celegans", hidden=None, ranks=295))

    def test_options_change_what_they_name(self):
        plain = rows(self.result(self.train("plain")))
        for more in ({"optimizer": "adam"}, {"momentum": 0.5}, {"batch": 16, "eval_batches": 4}, {"alpha": 0.5}, {"gain": 0.9}, {"freeze_io": True},
                     {"fresh_io": True}, {"normalize": "spectral"}, {"lr": 0.01}, {"spectrum": "power:1", "ranks": "full"}):
            with self.subTest(more):
                changed = rows(self.result(self.train("-".join(map(str, more)), **more)))
                self.assertNotEqual(changed[-1]["kernel_alignment"], plain[-1 if len(changed) == 2 else 0]["kernel_alignment"])
        for kind, column in (("spectral", "spectral_norm"), ("radius", "spectral_radius")):
            for row in rows(self.result(self.train(kind, normalize=kind, iters=1))):
                self.assertAlmostEqual(row[column], 1.25, places=4)

    @unittest.skipUnless(tool_case.LONG, "half a minute: TENFOLD_LONG=1")
    def test_the_kernel_changes_more_from_rank_one_than_from_full_rank_in_every_task(self):
        metrics = self.result(["train", "--quiet", "--preset", "small"])["metrics"]
        for task in ("2AF", "DMS", "CXT"):
            low, full = (metrics[f"{task}/rank-{rank}/kernel_alignment"]["value"] for rank in (1, 100))
            self.assertGreater(full - low, 0.15, task)

    def test_sequential_mnist_uses_the_last_step_and_scores_what_was_held_back(self):
        self.mnist(self.folder)
        result = self.result(self.train("run", task="sMNIST", data_dir=self.folder, batch=11, iters=6))
        for row in rows(result):
            self.assertEqual(row["ntk_size"], 11 * 10)
            self.assertIn(row["fresh_accuracy"], [k / 4 for k in range(5)])
        self.assertEqual(result["data"]["held_back"], 4)
        for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"):
            self.assertRegex(result["data"][f"digest/{self.folder}/{name}"], "^xxh3:[0-9a-f]{32}$")

        for option in ("--ntk-trials", "--accuracy-trials"):
            self.refused(64, option, "sMNIST", args=["eval", "--run", self.folder / "run", option, "4"])

    def test_mnist_is_looked_for_in_its_folder_then_in_the_fixtures(self):
        def run(name, **env):
            clean = {k: v for k, v in os.environ.items() if k != "TENFOLD_FIXTURES"}
            return self.tool.run(*self.train(name, task="sMNIST", batch=11, iters=1), cwd=self.folder, env={**clean, **env})
        for env, place in (({}, "$TENFOLD_FIXTURES/bias-learning"), ({"TENFOLD_FIXTURES": "/nowhere"}, "/nowhere/bias-learning")):
            missing = run("x", **env)
            self.assertEqual(missing.returncode, 66)
            for words in ("--data-dir", "data/mnist", place):
                self.assertIn(words, missing.stderr)
        fixtures = self.mnist(self.folder / "fixtures/bias-learning")
        files = [k for k in json.loads(run("a", TENFOLD_FIXTURES=str(fixtures.parent)).stdout)["data"] if k.startswith("digest/")]
        self.assertEqual(files[0], f"digest/{fixtures}/train-images-idx3-ubyte.gz")
        self.mnist(self.folder / "data/mnist")
        files = [k for k in json.loads(run("b", TENFOLD_FIXTURES=str(fixtures.parent)).stdout)["data"] if k.startswith("digest/")]
        self.assertEqual(files[0], "digest/data/mnist/train-images-idx3-ubyte.gz")

    def test_one_direction_along_the_task_has_rank_one_wherever_it_is_named(self):
        result = self.result(self.train("run", init="aligned", ranks=None))
        self.assertEqual([(r["init"], r["rank"], r["matrix_rank"]) for r in rows(result)],
                         [("aligned", 1, 1), ("shuffled", 24, 24), ("gauss", 24, 24)])
        self.assertTrue({"2AF/rank-1/kernel_alignment", "2AF/shuffled/rank-24/kernel_alignment"} <= set(result["metrics"]))
        self.assertIn("2AF/rank-1/seed-0/loss", result["series"])
        one = self.result(self.train("one", init="aligned", ranks="1"))
        self.assertEqual([r["rank"] for r in rows(one)], [1, 1, 1])
        self.assertEqual(rows(one)[0], rows(result)[0])
        self.assertEqual([r["rank"] for r in rows(self.result(self.train("full", init="aligned", ranks="1,full", iters=0)))],
                         [1, 1, 24, 1, 24])

    def test_weights_that_are_driven_far_from_their_start_are_told_of(self):
        explodes = {"init": "aligned", "ranks": None, "hidden": 100, "iters": 200}
        done = self.done(*self.train("run", **explodes))
        far = [r for r in rows(json.loads(done.stdout)) if r["weight_change_relative"] > 10]
        self.assertIn("aligned", [r["init"] for r in far])
        self.assertNotIn("gauss", [r["init"] for r in far])
        warnings = [line for line in done.stderr.splitlines() if "warning" in line]
        self.assertEqual(len(warnings), len(far), done.stderr)
        for line, row in zip(warnings, far):
            self.assertIn(f"2AF/{row['init']}/rank-{row['rank']}/seed-0", line)
            self.assertIn("try --normalize radius or a smaller --gain", line)
        self.assertNotIn("warning", self.done(*self.train("calm", normalize="radius", **explodes)).stderr)

    def test_the_summary_names_the_start_and_says_what_diverged_once(self):
        def summary(name, **more):
            done = self.tool.run(*[a for a in self.train(name, **more) if a != "--quiet"])
            return [line for line in done.stderr.splitlines() if line.startswith("2AF/")]
        plain = summary("plain")
        self.assertRegex(plain[0], r"^2AF/rank-1: \|dW\| \d.*, accuracy [01]\.\d{3}$")
        self.assertRegex(summary("fresh", accuracy_trials=50)[1], r"^2AF/rank-24: .*, of fresh trials [01]\.\d{3}$")
        dale = summary("dale", init="dale", ranks=None)
        self.assertEqual([line.split(":")[0] for line in dale], ["2AF/dale/rank-24", "2AF/shuffled/rank-24", "2AF/gauss/rank-24"])
        self.assertEqual(summary("diverged", gain=900, lr=1000, ranks="full"), ["2AF/rank-24: diverged"])
        self.assertEqual(summary("rates", gain=900, lr="1000,2000", ranks="full"), ["2AF/rank-24: diverged"])

    def test_theory_counts_the_simulations_that_did_not_end(self):
        done = self.done("theory", *QUIET, "--d", "4", "--hidden", "4", "--tasks", "2", "--kappa", "1000", "--start", "full")
        self.assertEqual([r["unfinished"] for r in rows(json.loads(done.stdout), "theory")], [2])
        self.assertIn("2 of 2 simulations reached the limit of steps", done.stderr)
        table = rows(self.result(["theory", *QUIET, "--d", "6", "--hidden", "8"]), "theory")
        self.assertEqual([(r["rank"], r["unfinished"]) for r in table], [(1, 0), (2, 0), (5, 0)])

    def test_theory_is_the_table_of_the_specification(self):
        table = rows(self.result(["theory", *QUIET]), "theory")
        self.assertEqual([round(r["ka_theory"], 4) for r in table], [0.2189, 0.3096, 0.4896, 0.6923, 0.9791])
        self.assertTrue(all(r["agrees"] for r in table), table)

    def test_the_worms_ranks_are_those_of_the_specification(self):
        result = self.result(["connectome", *QUIET, "--matrix", "celegans"])
        metrics = {k: v["value"] for k, v in result["metrics"].items()}
        self.assertEqual([metrics[k] for k in ("nodes", "nonzeros", "sum", "self_loops")], [297, 3638, 20589, 34])
        self.assertAlmostEqual(metrics["density"], 0.0412, places=4)
        self.assertAlmostEqual(metrics["effective_rank"], 0.1015, places=4)
        self.assertEqual(len(result["series"]["spectrum/as given"]["columns"]["singular_value"]), 297)

    def test_the_matrices_beside_a_connectome_have_its_norm_or_all_that_of_a_gain(self):
        path = self.folder / "m.csv"
        path.write_text("".join(",".join(str((7 * i + 3 * j) % 5) for j in range(12)) + "\n" for i in range(12)))
        norm = sum(((7 * i + 3 * j) % 5) ** 2 for i in range(12) for j in range(12)) ** 0.5
        given = rows(self.result(["connectome", *QUIET, "--matrix", path]), "matrices")
        self.assertEqual([r["matrix"] for r in given], ["as given", "unsigned", "entries shuffled", "degree shuffled", "gauss"])
        for row in given:
            self.assertAlmostEqual(row["init_fro_norm"], norm, places=9)
        half, one = (rows(self.result(["connectome", *QUIET, "--matrix", path, "--gain", g]), "matrices") for g in ("0.5", "1"))
        self.assertEqual(len({round(r["init_fro_norm"], 9) for r in half}), 1)
        self.assertAlmostEqual(one[0]["init_fro_norm"], 2 * half[0]["init_fro_norm"])
        self.assertAlmostEqual(one[0]["init_fro_norm"], 12 ** 0.5, delta=1)  # of N(0, 1 / 12)
        self.assertAlmostEqual(half[0]["effective_rank"], given[0]["effective_rank"])
        path.write_text("0,-1\n2,0\n")
        args, by = ["connectome", *QUIET, "--matrix", path], ["--nodes", self.nodes(2, inhibitory=[1])]
        told = f"warning: {path}: found negative weights"
        self.assertIn(told, self.done(*args, *by).stderr)
        self.assertIn(told, self.done(*self.train("run", init=path, hidden=None, ranks=None), *by).stderr)
        for kept in (args, [*args, *by, "--no-signs"]):
            self.assertNotIn("warning", self.done(*kept).stderr)

    def test_dumped_trials_have_the_shapes_and_labels_of_the_task(self):
        path = self.folder / "t.npz"
        self.result(["eval", *QUIET, "--task", "cxt", "--trials", "40", "--dump-trials", path])
        import numpy
        trials = numpy.load(path)
        self.assertEqual((trials["x"].shape, trials["x"].dtype), ((8, 40, 7), numpy.float32))
        self.assertEqual((trials["labels"].shape, trials["labels"].dtype), ((8, 40), numpy.int64))
        self.assertEqual(set(trials["labels"][:7].flat), {0})
        self.assertEqual(set(trials["labels"][7]), {1, 2})


class Repeats(Case):
    def test_a_run_repeats_to_the_byte_on_any_number_of_threads(self):
        for name in "ab":
            self.done(*self.train(name, seed="0,1"))
        self.same_runs("a", "b")
        one = self.train("c", seed="0,1")
        self.done(*["2" if before == "--threads" else word for before, word in zip([None, *one], one)])
        self.assertEqual(rows(json.loads((self.folder / "c/result.json").read_text())),
                         rows(json.loads((self.folder / "a/result.json").read_text())))

    def test_a_killed_run_goes_on_to_the_same_bytes(self):
        for optimizer in ("sgd", "adam"):
            options = {"iters": 600, "measure_every": 200, "optimizer": optimizer}
            start = time.monotonic()
            self.done(*self.train(f"whole-{optimizer}", **options))
            took = time.monotonic() - start
            for name, done in self.killed_at_random(optimizer, lambda name: self.train(name, **options), took):
                self.assertEqual(done.returncode, 0, done.stderr)
                self.same_runs(f"whole-{optimizer}", name)

    def test_a_signal_stops_with_a_checkpoint_and_the_run_goes_on_to_the_same_bytes(self):
        options = {"iters": 20000, "checkpoint_every": 100, "eval_every": 5000, "hidden": 48}
        self.done(*self.train("whole", **options))
        for number, code in ((signal.SIGTERM, 75), (signal.SIGINT, 130)):
            process = self.tool.start(*self.train(f"run{code}", **options))
            while not (self.folder / f"run{code}/checkpoints/latest").exists():
                time.sleep(0.005)
            process.send_signal(number)
            self.assertEqual(process.wait(), code)
            self.assertEqual(json.loads((self.folder / f"run{code}/result.json").read_text())["status"], "partial")
            self.done(*self.train(f"run{code}", **options), "--resume", "auto")
            self.same_runs("whole", f"run{code}")

    def test_another_configuration_does_not_go_on(self):
        self.done(*self.train("run"))
        done = self.tool.run(*self.train("run", gain=1.5), "--resume", "auto")
        self.assertEqual(done.returncode, 78)
        self.assertIn("--gain", done.stderr)


class BadInput(Case):
    def test_options_that_make_no_sense_are_refused_by_name(self):
        self.refused(64, "rank 25 > 24 hidden units", args=self.train("x", ranks=25))
        self.refused(64, "--ranks: found 0", args=self.train("x", ranks=0))
        self.refused(64, "'3AF'", "2AF, DMS, CXT, sMNIST", args=self.train("x", task="3AF"))
        self.refused(64, "--ntk-trials 65 > 64", args=self.train("x", ntk_trials=65))
        self.refused(64, "GB", args=self.train("x", ntk_trials=100000, eval_batches=10000))
        self.refused(64, "--hidden", "297", args=self.train("x", init="celegans"))
        self.refused(64, "--spectrum", args=self.train("x", spectrum="soft", ranks="full"))
        self.refused(64, "--lr", args=self.train("x", lr="fast"))
        self.refused(64, "--measure-every", args=self.train("x", measure_every=30))
        self.refused(64, "rank 21 > 20 inputs", args=["theory", "--rank", "21"])
        self.refused(64, "--task: found no --dump-trials", args=["eval", "--task", "CXT"])
        self.refused(64, "--dump-trials: found no --task", args=["eval", "--dump-trials", "t.npz"])
        self.refused(64, "--block-pairs", args=self.train("x", init="block", ranks=None, block_types="t.csv"))
        self.refused(64, "--block-types", args=self.train("x", init="block", ranks=None, block_pairs="p.csv"))
        for gain in (0, -1):
            self.refused(64, f"--gain: found {gain}", args=self.train("x", gain=gain))
        self.refused(64, "--gain: found 0", args=["connectome", "--gain", "0"])
        self.refused(64, "--ntk-trials 65 > 64", "--eval-batches 2 x --batch 32", args=self.train("x", ntk_trials=65))
        self.refused(64, "rank 2 > 1, the rank of aligned", args=self.train("x", init="aligned", ranks=2))
        self.refused(69, "--device cuda", "--config=cuda", args=self.train("x", device="cuda"))

    def test_options_that_do_not_apply_are_refused_by_name(self):
        def refused(word, **more):
            self.refused(64, word, args=self.train("x", **{"ranks": None, **more}))
        types = {"block_types": "types.csv", "block_pairs": "pairs.csv"}
        for init in ("gauss", "dale", "aligned"):
            refused("--motif-reciprocal", init=init, motif_reciprocal=0.5)
            refused("--motif-chain", init=init, motif_chain=0.1)
            refused("--nodes", init=init, nodes="nodes.csv")
            refused("--edges", init=init, edges="both")
            refused("--no-signs", init=init, no_signs=True)
            refused("--block-types", init=init, **types)
            refused("--data-dir", init=init, data_dir=self.folder)
            if init != "dale":
                refused("--no-dale-balance", init=init, no_dale_balance=True)
        refused("--shuffle degree", shuffle="degree")
        refused("--nodes", init="celegans", hidden=None, nodes="nodes.csv")
        refused("--no-signs", init="m.csv", hidden=None, no_signs=True)
        refused("--edges", init="m.graphml", hidden=None, edges="both")
        for args, word in ((["--nodes", "n.csv"], "--nodes"), (["--matrix", "m.graphml", "--edges", "both"], "--edges"),
                           (["--matrix", "m.csv", "--no-signs"], "--no-signs")):
            self.refused(64, word, args=["connectome", *args])
        self.refused(64, "--rank: found 3", "--start aligned has rank 1", args=["theory", "--start", "aligned", "--rank", "3"])
        self.refused(64, "--rank: found 3", "--start full has rank 20", args=["theory", "--start", "full", "--rank", "3"])
        self.done(*self.train("run", iters=1))
        dump = ["eval", "--task", "CXT", "--dump-trials", self.folder / "t.npz"]
        for option in (["--run", self.folder / "run"], ["--ntk-trials", "4"], ["--accuracy-trials", "4"], ["--data-dir", "."]):
            self.refused(64, option[0], args=[*dump, *option])
        for option in (["--trials", "4"], ["--data-dir", "."]):
            self.refused(64, option[0], args=["eval", "--run", self.folder / "run", *option])
        self.assertFalse((self.folder / "t.npz").exists())

    def test_a_dense_matrix_has_no_control_of_equal_degrees(self):
        (self.folder / "dense.csv").write_text("pre,post,weight\n" + "".join(
            f"{i},{j},{1 + i + 3 * j}\n" for i in range(6) for j in range(6)))
        args = {"init": self.folder / "dense.csv", "hidden": None, "ranks": None}
        self.refused(64, "--shuffle degree", "dense.csv", args=self.train("x", shuffle="degree", **args))
        self.done(*self.train("run", iters=1, **args))

    def test_files_that_do_not_fit_are_refused_by_name(self):
        def refused(code, text, *words, name="m.csv", **more):
            path = self.folder / name
            path.write_text(text)
            self.refused(code, name, *words, args=self.train("x", init=path, hidden=None, ranks=None, **more))
        refused(65, "1,2,3\n4,5,6\n", "square")
        refused(65, "1,nan\n2,3\n", "row 1, column 2: found nan")
        refused(65, "pre,post,weight\n0,40,1\n", "m.csv:2", "edge index 40", "0..39", nodes=self.nodes(40))
        refused(65, "0,0\n0,0\n", "zeros")
        refused(65, "pre,post,weight\n0,5,x\n", "m.csv:2")
        refused(65, "<graphml>", "XML", name="m.graphml")
        self.refused(66, "nothing.csv", args=self.train("x", init=self.folder / "nothing.csv", hidden=None))
        self.refused(66, "train-images", args=self.train("x", task="sMNIST", data_dir=self.folder))
        self.refused(66, "no checkpoint", args=["eval", "--run", self.folder])
        self.refused(66, "nosuch: not found", args=["eval", "--run", self.folder / "nosuch"])

    def test_a_network_that_blows_up_ends_the_run_as_numeric_with_a_partial_result(self):
        done = self.tool.run(*self.train("x", gain=900, lr=1000, ranks="full"))
        self.assertEqual(done.returncode, 70, done.stderr)
        result = json.loads(done.stdout)
        self.validate(result)
        self.assertEqual((result["status"], result["stopped_by"]), ("partial", "nan"))
        self.assertIsNotNone(rows(result)[0]["diverged_at"])
        metric = result["metrics"]["2AF/rank-24/kernel_alignment"]
        self.assertIsNone(metric["value"])
        self.assertTrue(metric["reason"])

    def test_of_several_rates_one_may_diverge(self):
        result = self.result(self.train("x", lr="1e6,0.003", ranks="full"))
        bad, good = rows(result)
        self.assertIsNone(bad["kernel_alignment"])
        self.assertFalse(bad["chosen"])
        self.assertTrue(good["chosen"])
        self.assertEqual(result["metrics"]["2AF/rank-24/kernel_alignment"]["value"], good["kernel_alignment"])


class Pictures(Case):
    def plot(self, *args):
        return subprocess.run(["/usr/bin/python3", PLOT, *map(str, args)], capture_output=True, text=True)

    def test_every_kind_of_result_is_drawn(self):
        self.done(*self.train("sweep", measure_every=20, seed="0,1"))
        self.done(*self.train("dale", init="dale", ranks=None))
        for name in ("theory", "connectome"):
            self.done(name, *QUIET, "--json", self.folder / f"{name}.json", *(["--rank", "1,2"] if name == "theory" else []))
        for names in (["sweep/result.json"], ["dale/result.json"], ["theory.json"], ["connectome.json"],
                      ["sweep/result.json", "dale/result.json", "theory.json", "connectome.json"],
                      ["sweep/result.json"] * 5 + ["theory.json"]):
            out = self.folder / "picture.png"
            done = self.plot(*[self.folder / n for n in names], "--out", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(out.read_bytes()[:4], b"\x89PNG")
            out.unlink()

    def drawn(self, path, panel, expression):
        """What `expression` finds on the axes of one panel of plot.py."""
        code = f"""
import importlib.util, json, matplotlib
matplotlib.use("Agg")
from matplotlib import pyplot
spec = importlib.util.spec_from_file_location("plot", {str(PLOT)!r})
plot = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plot)
axes = pyplot.subplots()[1]
getattr(plot, {panel!r})([(plot.read({str(path)!r}), {str(path)!r})])(axes)
print(json.dumps({expression}))
"""
        done = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_a_loss_of_one_point_is_marked(self):
        markers = "[line.get_marker() for line in axes.lines]"
        for iters, marker in ((5, "o"), (50, "None")):
            self.done(*self.train(f"run{iters}", iters=iters))
            self.assertEqual(self.drawn(self.folder / f"run{iters}/result.json", "loss_panel", markers), [marker] * 2)

    def test_alignments_of_kernel_and_labels_have_standard_errors(self):
        result = self.result(self.train("run", seed="0,1"))
        heights = self.drawn(self.folder / "run/result.json", "kernel_task_panel",
                             "[[float(s[1][1] - s[0][1]) for s in c[2][0].get_segments()] for c in axes.containers]")
        wanted = [[2 * result["metrics"][f"2AF/rank-{rank}/{name}"]["stderr"] for rank in (1, 24)]
                  for name in ("initial_target_alignment", "target_alignment")]
        for found, expected in zip(heights, wanted):
            for a, b in zip(found, expected):
                self.assertAlmostEqual(a, b)
        self.assertEqual([len(found) for found in heights], [2, 2])

    def test_what_is_no_result_is_refused(self):
        (self.folder / "x.json").write_text("{}")
        for code, name in ((66, "nothing.json"), (65, "x.json")):
            done = self.plot(self.folder / name)
            self.assertEqual(done.returncode, code)
            self.assertIn(name, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
