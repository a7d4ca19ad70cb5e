"""poyo-decode as a user meets it: results, schemas, bad input, kill and resume, signals, pictures."""

import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

import tool_case

TOOL = tool_case.Tool(*sys.argv[1:4])
PLOT = pathlib.Path(sys.argv[4]).resolve()
run = TOOL.run
QUIET = ["--threads", "1", "--quiet"]
SESSIONS = "co:1,rt:1,units:8,seconds:60"
SMALL = {"synthetic": SESSIONS, "dim": 16, "depth": 1, "dim-head": 8, "cross-heads": 1, "self-heads": 2, "latents-per-step": 2,
         "batch-size": 8, "unit-dropout": "4,6,8,2", "steps": 6, "train-windows": "trials", "query-stride": 4}


def options(values):
    return [word for name, value in values.items() if value is not None for word in
            ([f"--{name}"] if value is True else [f"--{name}", str(value)])]


def named(more):
    return {k.replace("_", "-"): v for k, v in more.items()}


def train(**more):
    return ["train", *QUIET, *options({**SMALL, **named(more)})]


def baseline(**more):
    return ["baseline", *QUIET, *options({"synthetic": SESSIONS, **named(more)})]


def transfer(core, command="identify", **more):
    values = {k: SMALL[k] for k in ("batch-size", "unit-dropout", "train-windows", "query-stride")}
    values |= {"synthetic": "co:1,units:9,seconds:60,seed:9", "steps": 4, "max-lr": 0.05, "n-trials": "2,all"}
    return [command, *QUIET, *options({**values, "checkpoint": core, **named(more)})]


def comparable(path):
    return tool_case.comparable(path, timed=["tokens_per_s"])


def rows(result, name="sessions"):
    table = result["tables"][name]
    return [dict(zip(table["columns"], row)) for row in table["rows"]]


class Case(tool_case.Case):
    tool = TOOL

    def result(self, args):
        result = json.loads(self.done(*args).stdout)
        self.validate(result)
        return result

    def same_runs(self, a, b):
        a, b = self.folder / a, self.folder / b
        self.assertEqual((a / "metrics.jsonl").read_bytes(), (b / "metrics.jsonl").read_bytes())
        self.assertEqual(comparable(a / "result.json"), comparable(b / "result.json"))

    def written_sessions(self, spec=SESSIONS):
        folder = self.folder / "sessions"
        self.result(["gen", *QUIET, "--synthetic", spec, "--save-path", folder])
        return folder


class Results(Case):
    def test_a_run_scores_every_session_and_an_evaluation_repeats_it(self):
        trained = self.result(train(out=self.folder / "run"))
        self.assertEqual([r["session"] for r in rows(trained)], ["g_co_00_s0", "g_rt_00_s0"])
        self.assertAlmostEqual(trained["metrics"]["r2"]["value"], sum(r["r2"] for r in rows(trained)) / 2)
        again = self.result(["eval", *QUIET, "--checkpoint", self.folder / "run"])
        self.assertEqual(rows(trained), rows(again))
        valid = self.result(["eval", *QUIET, "--checkpoint", self.folder / "run", "--split", "valid"])
        self.assertNotEqual(rows(valid), rows(again))
        one = self.result(["eval", *QUIET, "--checkpoint", self.folder / "run", "--sessions", "g_rt_00_s0"])
        self.assertEqual(rows(one), rows(again)[1:])

    def test_written_sessions_are_the_generated_ones(self):
        folder = self.written_sessions()
        self.assertEqual(rows(self.result(train())), rows(self.result(train(synthetic=None, data=folder))))
        found = rows(self.result(["info", *QUIET, "--data", folder]))
        self.assertEqual([(r["session"], r["units"], r["task"]) for r in found],
                         [("g_co_00_s0", 8, "center_out_reaching"), ("g_rt_00_s0", 8, "random_target_reaching")])
        self.assertTrue(all(r["seconds"] == 60 and 2 < r["rate_hz"] < 20 for r in found))

    def test_every_choice_of_training_runs_and_matters(self):
        scores = {str(more): self.result(train(**more))["metrics"]["r2"]["value"] for more in (
            {}, {"batch_size": 1}, {"batch_size": 1, "optimizer": "lamb"}, {"optimizer": "adamw"}, {"train_windows": "domain"}, {"train_windows": "uniform"},
            {"unit_dropout": "off"}, {"unit_dropout": "4,6"}, {"loss_weights": "uniform"}, {"schedule": "half-cosine"},
            {"embedding_lr_mult": 10}, {"window": 0.5, "latent_step": 0.1})}
        self.assertEqual(len(set(scores.values())), len(scores), scores)

    def test_parameter_counts_are_those_of_the_specification(self):
        paper = {"dim": None, "depth": None, "dim-head": None, "cross-heads": None, "self-heads": None, "latents-per-step": None}
        for preset, core in (("poyo-single", 1254018), ("poyo-mp", 11717378)):
            words = [w for name, value in {**SMALL, **paper, "batch-size": 8}.items() if value is not None for w in (f"--{name}", str(value))]
            result = json.loads(self.done("train", *QUIET, "--preset", preset, *words, "--dry-run").stdout)
            self.assertEqual(result["model"]["core"], core)

    def test_linear_decoders_choose_their_penalty_on_validation_trials(self):
        for method in ("wiener", "ridge"):
            result = self.result(baseline(method=method, bin=0.1 if method == "ridge" else None))
            self.assertGreater(min(r["r2"] for r in rows(result)), 0.1)
            few = self.result(baseline(method=method, n_trials=4, bin=0.1 if method == "ridge" else None))
            self.assertEqual([r["trials"] for r in rows(few, "chosen")], [4, 4])
            self.assertLess(few["metrics"]["r2"]["value"], result["metrics"]["r2"]["value"])

    def test_a_kalman_filter_and_networks_say_what_they_chose(self):
        few = {"epochs": 2, "hidden": "8,4", "lr": "1e-2"}
        for method, more in (("kalman", {}), ("mlp", few), ("gru", few)):
            result = self.result(baseline(method=method, **more))
            chosen = rows(result, "chosen")
            self.assertEqual([r["session"] for r in chosen], ["g_co_00_s0", "g_rt_00_s0"])
            self.assertEqual({r["chosen_by"] for r in chosen}, {"valid trials"})
            if method == "kalman":
                self.assertTrue(all(r["lag"] in range(4) and r["position"] == 2 for r in chosen))
                self.assertGreater(result["metrics"]["r2"]["value"], 0.3)
                continue
            r2 = "valid_r2" if method == "gru" else "valid_r2_bins"
            tried = rows(result, "tried")
            for r in chosen:
                self.assertEqual(r[r2], max(t[r2] for t in tried if t["session"] == r["session"]))
                self.assertIn(r["epoch"], (1, 2))
            words = baseline(method=method, seed="0,4", **more)[1 + len(QUIET):]
            together = self.result(["baseline", "--threads", "2", "--quiet", *words])
            self.assertEqual(rows(together)[:2], rows(result))
            self.assertNotEqual(rows(together)[2]["r2"], rows(result)[0]["r2"])

    def test_labelled_trials_are_the_first_in_time_or_drawn_by_the_seed(self):
        first, seeds = (rows(self.result(baseline(n_trials=4, seed="1,2", **more)), "chosen")
                        for more in ({}, {"trial_order": "random"}))
        self.assertEqual([r["seed"] for r in first], [1, 1])  # nothing depends on the seed
        self.assertEqual([(r["seed"], r["trials"]) for r in seeds], [(1, 4), (1, 4), (2, 4), (2, 4)])
        self.assertEqual(len({r["valid_r2_bins"] for r in first + seeds}), 6)

    def test_seeds_together_are_the_seeds_alone(self):
        together = self.result(train(seed="3,5"))
        for seed in (3, 5):
            alone = self.result(train(seed=seed))
            self.assertEqual([r for r in rows(together) if r["seed"] == seed], rows(alone))
        values = together["metrics"]["r2"]["per_seed"]
        self.assertAlmostEqual(together["metrics"]["r2"]["value"], sum(values) / 2)

    def test_without_spikes_nothing_is_decoded(self):
        self.done(*train(out=self.folder / "run"))
        blind = self.result(["eval", *QUIET, "--checkpoint", self.folder / "run", "--drop-spikes"])
        self.assertLess(blind["metrics"]["r2"]["value"], 0.05)

    def test_a_description_says_what_is_decoded_weighed_and_scored(self):
        usual = self.result(train(out=self.folder / "usual"))
        lab = self.folder / "lab.toml"
        lab.write_text('like = "perich"\nnormalize-std = 10\nscored = ["hold_period"]\nloss-weights = []\n')
        own = self.result(train(dataset=lab, out=self.folder / "own"))
        self.assertEqual((own["config"]["normalize-std"], own["config"]["readout"]), (10, "cursor.vel"))
        self.assertNotEqual([r["n_samples"] for r in rows(own)], [r["n_samples"] for r in rows(usual)])
        again = self.result(["eval", *QUIET, "--checkpoint", self.folder / "own"])
        self.assertEqual(rows(again), rows(own))
        reaches = self.result(["eval", *QUIET, "--checkpoint", self.folder / "own", "--dataset", "perich"])
        self.assertEqual([r["n_samples"] for r in rows(reaches)], [r["n_samples"] for r in rows(usual)])

    def test_weights_of_a_file_are_those_of_the_same_numbers(self):
        weights = self.folder / "weights.toml"
        weights.write_text("reach_period = 5\ninvalid = 0.1\nhold_period = 0.1\ncursor_outlier_segments = 0\n")
        paper, same = rows(self.result(train())), rows(self.result(train(loss_weights=weights)))
        self.assertEqual(paper, same)
        weights.write_text("reach_period = 50\n")
        self.assertNotEqual(paper, rows(self.result(train(loss_weights=weights))))

    def test_info_lists_every_set_of_intervals(self):
        result = self.result(["info", *QUIET, "--data", self.written_sessions()])
        sets = {(r["session"], r["set"]): r for r in rows(result, "intervals")}
        for name in ("domain", "train_domain", "valid_domain", "test_domain", "trials", "reach_period", "return_period"):
            self.assertGreater(sets["g_co_00_s0", name]["intervals"], 0)
        self.assertNotIn(("g_rt_00_s0", "reach_period"), sets)
        self.assertEqual(sets["g_rt_00_s0", "domain"]["last_s"], 60)
        sessions = rows(result)
        self.assertTrue(all(r["position"] and not r["acceleration"] and r["layout"] == "temporaldata" for r in sessions))
        self.assertEqual([r["trials"] for r in sessions], [sets[r["session"], "trials"]["intervals"] for r in sessions])
    def test_controls_of_the_spikes_change_what_is_decoded(self):
        self.done(*train(out=self.folder / "run", steps=30))
        evaluation = ["eval", *QUIET, "--checkpoint", self.folder / "run"]
        scores = [self.result([*evaluation, *more])["metrics"]["r2"]["value"] for more in (
            [], ["--shuffle-units"], ["--shuffle-units", "--seed", "1"], ["--spike-jitter", "100"], ["--bin-spikes", "200"])]
        self.assertEqual(len(set(scores)), len(scores), scores)
        again = self.result([*evaluation, "--shuffle-units", "--seed", "1"])
        self.assertEqual(again["metrics"]["r2"]["value"], scores[2])

    def test_predictions_are_those_that_are_scored(self):
        self.done(*train(out=self.folder / "run"))
        path = self.folder / "predictions.h5"
        result = self.result(["eval", *QUIET, "--checkpoint", self.folder / "run", "--pred-out", path, "--trajectories", "2"])
        self.assertEqual(path.read_bytes()[:4], b"\x89HDF")
        self.assertEqual({n for n in result["series"] if n.startswith("trajectory/")}, {"trajectory/g_co_00_s0", "trajectory/g_rt_00_s0"})
        columns = result["series"]["trajectory/g_rt_00_s0"]["columns"]
        self.assertEqual(set(columns["trial"]), {1, 2})
        self.assertLessEqual(sum(columns["scored"]), rows(result)[1]["n_samples"])
        self.assertNotIn("series", self.result(["eval", *QUIET, "--checkpoint", self.folder / "run", "--trajectories", "0"]))

    def test_a_stream_decodes_every_step_of_the_part_that_is_asked_for(self):
        self.done(*train(out=self.folder / "run"))
        stream = ["decode", "--quiet", "--checkpoint", self.folder / "run", "--sessions", "g_co_00_s0"]
        path = self.folder / "stream.h5"
        result = self.result([*stream, "--pred-out", path])
        self.assertEqual(result["config"]["threads"], 1)
        self.assertEqual(result["metrics"]["steps"]["value"], 5901)  # 1.00, 1.01, ... 60.00 s
        self.assertGreater(result["metrics"]["latency_median_ms"]["value"], 0)
        self.assertEqual([r["part"] for r in rows(result, "parts")], ["test", "valid", "train", "all"])
        self.assertEqual(rows(result, "parts")[0]["r2"], rows(result)[0]["r2"])
        self.assertEqual(path.read_bytes()[:4], b"\x89HDF")
        part = self.result([*stream, "--start", "10", "--duration", "3", "--step", "0.02"])
        self.assertEqual(part["metrics"]["steps"]["value"], 101)  # 11.00, 11.02, ... 13.00 s
        nothing = self.result([*stream, "--start", "10", "--duration", "0.5"])
        self.assertIsNone(nothing["metrics"]["latency_median_ms"]["value"])
        self.assertIn("step", nothing["metrics"]["latency_median_ms"]["reason"])
        self.refused(64, "--query-offset", args=[*stream, "--query-offset", "1.5"])

    def test_units_are_mapped_and_weights_compared(self):
        self.done(*train(out=self.folder / "run"))
        self.done(*train(out=self.folder / "other", seed=1))
        embedding = ["embed", *QUIET, "--checkpoint", self.folder / "run"]
        units = rows(self.result([*embedding, "--against", self.folder / "run"]), "units")
        self.assertEqual([u["unit"] for u in units[:2]], ["g_co_00_s0/u0", "g_co_00_s0/u1"])
        self.assertEqual({u["session"] for u in units}, {"g_co_00_s0", "g_rt_00_s0"})
        self.assertTrue(all(u["rate_hz"] is None for u in units))
        known = rows(self.result([*embedding, "--synthetic", SESSIONS]), "units")
        self.assertTrue(all(2 < u["rate_hz"] < 40 and abs(u["direction"]) <= 3.15 for u in known))
        same, apart = (self.result([*embedding, "--against", self.folder / name]) for name in ("run", "other"))
        self.assertEqual([same["metrics"][n]["value"] for n in ("core_least_cosine", "core_max_abs_change")], [1, 0])
        self.assertTrue(all(r["relative_change"] == 0 for r in rows(same, "drift")))
        self.assertLess(apart["metrics"]["core_least_cosine"]["value"], 0.5)

    def test_ablations_change_the_model_and_stay_with_it(self):
        scores = {}
        for name, more in {"none": {}, "delimiters": {"no-delimiters": True}, "values": {"no-value-rotation": True},
                           "time": {"no-time-embedding": True}, "rotate": {"rotate": "full-head"}, "bins": {"bin-spikes": 200},
                           "scaling": {"time-scaling": "0.8,1.2"}}.items():
            trained = self.result(train(out=self.folder / name, **more))
            scores[name] = trained["metrics"]["r2"]["value"]
            again = self.result(["eval", *QUIET, "--checkpoint", self.folder / name])
            self.assertEqual(rows(trained), rows(again), name)
        self.assertEqual(len(set(scores.values())), len(scores), scores)

    def test_a_dry_run_takes_no_step_and_writes_nothing(self):
        result = self.result([*train(out=self.folder / "run"), "--dry-run"])
        self.assertNotIn("series", result)
        self.assertFalse((self.folder / "run").exists())


class Transfers(Case):
    def setUp(self):
        super().setUp()
        self.core = self.folder / "core"
        self.result(train(out=self.core))

    def weights(self, folder):
        """{name: values} of the newest checkpoint."""
        file = (folder / "checkpoints" / (folder / "checkpoints" / "latest").read_text().strip() / "model.safetensors").read_bytes()
        size = int.from_bytes(file[:8], "little")
        header = json.loads(file[8:8 + size])
        return {name: file[8 + size + at["data_offsets"][0]:8 + size + at["data_offsets"][1]]
                for name, at in header.items() if name != "__metadata__"}

    def test_identification_learns_new_rows_and_leaves_the_core_as_it_is_to_the_bit(self):
        result = self.result(transfer(self.core, out=self.folder / "new", compare="scratch,wiener"))
        self.assertEqual(result["metrics"]["core_max_abs_change"]["value"], 0)
        self.assertEqual(result["metrics"]["trainable_params"]["value"], (9 + 1) * SMALL["dim"])
        core, new = self.weights(self.core), self.weights(self.folder / "new")
        for member in ("0", "0/trials-2"):
            for name in (n[2:] for n in core if n.startswith("0/")):
                same = core[f"0/{name}"] == new[f"{member}/{name}"]
                self.assertEqual(same, name not in ("unit_emb.weight", "session_emb.weight"), name)
        self.assertNotEqual(core["0/readout.weight"], new["0/scratch-2/readout.weight"])
        found = {(r["decoder"], r["trials_asked"]): r for r in rows(result, "few_shot")}
        self.assertEqual(set(found), {(d, n) for d in ("identify", "scratch", "wiener") for n in (2, "all")})
        self.assertEqual(found["scratch", 2]["trials"], 2)
        self.assertEqual(found["identify", "all"]["r2"], rows(result)[0]["r2"])
        fit = self.result(baseline(synthetic="co:1,units:9,seconds:60,seed:9", n_trials=2))
        self.assertAlmostEqual(found["wiener", 2]["r2"], rows(fit)[0]["r2"], 12)
        scratch = self.result(train(synthetic="co:1,units:9,seconds:60,seed:9", steps=4, max_lr=3.125e-5 * 8, n_trials=2))
        self.assertAlmostEqual(found["scratch", 2]["r2"], rows(scratch)[0]["r2"], 12)

    def test_an_adapted_decoder_is_evaluated_on_its_own_sessions(self):
        result = self.result(transfer(self.core, out=self.folder / "new"))
        again = self.result(["eval", *QUIET, "--checkpoint", self.folder / "new"])
        self.assertEqual(rows(again), rows(result))
        self.assertEqual(rows(again)[0]["session"], "g_co_00_s9")

    def test_finetuning_thaws_the_core_after_the_frozen_epochs(self):
        change = {}
        for until in (-1, 0, 1, 1000):
            result = self.result(transfer(self.core, "finetune", freeze_until=until, n_trials="all", steps=8))
            change[until] = result["metrics"]["core_max_abs_change"]["value"]
            self.assertEqual(result["model"]["mode"], "identify" if until == -1 else "finetune")
        self.assertEqual((change[-1], change[1000]), (0, 0))
        self.assertTrue(0 < change[1] != change[0] > 0, change)

    def test_known_sessions_keep_their_rows(self):
        result = self.result(transfer(self.core, synthetic=SESSIONS, n_trials="all", max_lr=0, out=self.folder / "same"))
        known = self.result(["eval", *QUIET, "--checkpoint", self.core])
        self.assertEqual(rows(result), rows(known))

    def test_random_trials_are_others_for_another_seed(self):
        def curve(**more):
            return self.result(transfer(self.core, n_trials="3", **more))["series"]["few_shot"]["columns"]["identify"]
        self.assertNotEqual(curve(), curve(trial_order="random"))
        several = self.result(transfer(self.core, n_trials="3", trial_order="random", seed="0,1"))
        self.assertNotEqual(*[r["r2"] for r in rows(several, "few_shot")])

    def test_a_killed_adaptation_goes_on_to_the_same_bytes(self):
        whole = transfer(self.core, "finetune", out=self.folder / "whole", freeze_until=1, steps=8, checkpoint_every=4)
        self.result(whole)
        part = self.folder / "part"
        self.result(transfer(self.core, "finetune", out=part, freeze_until=1, steps=8, checkpoint_every=4))
        for name in ("step-000000008",):
            subprocess.run(["rm", "-r", str(part / "checkpoints" / name)], check=True)
        (part / "checkpoints" / "latest").write_text("step-000000004")
        (part / "result.json").unlink()
        self.result(transfer(self.core, "finetune", out=part, freeze_until=1, steps=8, checkpoint_every=4, resume="auto"))
        self.assertEqual(self.weights(self.folder / "whole"), self.weights(part))

    def test_what_cannot_be_adapted_is_refused_by_name(self):
        for code, words, args in (
                (64, ["--n-trials", "none"], transfer(self.core, n_trials="none")),
                (64, ["--n-trials", "0"], transfer(self.core, n_trials="0")),
                (64, ["--checkpoint"], transfer(None)),
                (66, ["nowhere"], transfer("nowhere")),
                (64, ["--freeze-until", "finetune"], transfer(self.core, freeze_until=3)),
                (64, ["--compare"], transfer(self.core, compare="kalman"))):
            with self.subTest(words):
                self.refused(code, *words, args=args)
        self.result(train(out=self.folder / "two", seed="1,2"))
        self.refused(78, "--seed", "3", args=transfer(self.folder / "two", seed=3))


class Repeats(Case):
    def test_a_run_repeats_to_the_byte(self):
        for folder in "ab":
            first = self.done(*train(out=self.folder / folder))
            self.assertEqual(first.stdout, (self.folder / folder / "result.json").read_text())
        self.same_runs("a", "b")

    def long_train(self, name):
        return train(steps=300, eval_every=50, checkpoint_every=20, out=self.folder / name)

    def test_killed_runs_go_on_to_the_same_bytes(self):
        begin = time.monotonic()
        self.done(*self.long_train("whole"))
        for name, resumed in self.killed_at_random("run", self.long_train, time.monotonic() - begin):
            self.assertEqual(resumed.returncode, 0, resumed.stderr)
            self.same_runs("whole", name)

    def test_a_signal_stops_with_a_checkpoint_that_goes_on_to_the_same_bytes(self):
        self.done(*self.long_train("whole"))
        for number, code in ((signal.SIGUSR2, 75), (signal.SIGTERM, 75), (signal.SIGINT, 130)):
            name = f"run{number}"
            process = self.tool.start(*self.long_train(name))
            while not (self.folder / name / "checkpoints/latest").exists():
                time.sleep(0.005)
            process.send_signal(number)
            self.assertEqual(process.wait(60), code)
            partial = json.loads((self.folder / name / "result.json").read_text())
            self.assertEqual((partial["status"], partial["stopped_by"]), ("partial", "signal"))
            self.validate(partial)
            self.done(*self.long_train(name), "--resume", "auto")
            self.same_runs("whole", name)


class Processes(Case):
    """`train --data-parallel` in two processes of this machine."""

    def start(self, args, world=2, **kwargs):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        where = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        return [subprocess.Popen([TOOL.path, *map(str, args), "--data-parallel"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, env={**os.environ, **where, "RANK": str(rank)}, **kwargs) for rank in range(world)]

    def ended(self, processes):
        return [(p.wait(100), *p.communicate()) for p in processes]

    def succeeded(self, args):
        ends = self.ended(self.start(args))
        self.assertEqual([code for code, _, _ in ends], [0, 0], ends)
        return ends

    def alike(self, name, **more):
        return train(out=self.folder / name, ffn_dropout=0, lin_dropout=0, atn_dropout=0, **more)

    def weights(self, name):
        """{tensor: numbers} of the newest checkpoint."""
        folder = self.folder / name / "checkpoints"
        data = (folder / (folder / "latest").read_text().strip() / "model.safetensors").read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + size])
        header.pop("__metadata__", None)
        return {k: struct.unpack(f"<{(e - b) // 4}f", data[8 + size + b:8 + size + e])
                for k, (b, e) in ((k, v["data_offsets"]) for k, v in header.items())}

    def test_two_processes_learn_what_one_learns_and_only_the_first_writes(self):
        one = self.result(self.alike("one", steps=24, eval_every=8))
        (_, first, _), (_, second, _) = self.succeeded(self.alike("two", steps=24, eval_every=8))
        self.assertEqual(second, "")
        two = json.loads(first)
        self.validate(two)
        a, b = self.weights("one"), self.weights("two")
        self.assertEqual(a.keys(), b.keys())
        for name in a:
            for x, y in zip(a[name], b[name]):
                self.assertAlmostEqual(x, y, delta=1e-5 + 1e-4 * abs(x), msg=name)
        curves = [r["series"]["train_curve"]["columns"] for r in (one, two)]
        for column in ("train_loss", "val_r2"):
            for x, y in zip(*(c[column] for c in curves)):
                self.assertAlmostEqual(x, y, delta=1e-4)

    def test_a_signal_to_one_stops_both_and_both_go_on_to_the_same_bytes(self):
        def args(name):
            return train(steps=300, eval_every=50, checkpoint_every=20, out=self.folder / name)
        self.succeeded(args("whole"))
        processes = self.start(args("run"))
        while not (self.folder / "run/checkpoints/latest").exists():
            time.sleep(0.005)
        processes[1].send_signal(signal.SIGTERM)
        self.assertEqual([code for code, _, _ in self.ended(processes)], [75, 75])
        self.succeeded([*args("run"), "--resume", "auto"])
        self.same_runs("whole", "run")
        self.refused(78, "1 processes", args=[*args("run"), "--data-parallel", "--resume", "auto"])

    def test_a_process_that_is_killed_stops_the_other_with_an_error(self):
        processes = self.start(train(steps=100000, checkpoint_every=20, out=self.folder / "run"))
        while not (self.folder / "run/checkpoints/latest").exists():
            time.sleep(0.005)
        processes[1].kill()
        (code, _, error), _ = self.ended(processes)
        self.assertEqual(code, 69, error)
        self.assertIn("another process is lost or late", error)

    def test_fewer_windows_than_processes_are_refused(self):
        for code, _, error in self.ended(self.start(train(batch_size=1))):
            self.assertEqual(code, 64, error)
            self.assertIn("--batch-size", error)


class BadInput(Case):
    def test_options_that_make_no_sense_are_refused_by_name(self):
        self.refused(64, "--dim-head", "10", "multiple of 4", args=train(dim_head=10))
        self.refused(64, "--latent-step", "2", "--window 1", args=train(latent_step=2))
        self.refused(64, "--unit-dropout", "9,5", args=train(unit_dropout="9,5"))
        self.refused(64, "--synthetic", "units:x", args=train(synthetic="co:1,units:x"))
        self.refused(64, "--synthetic", "co:N", args=train(synthetic="units:5"))
        self.refused(64, "--data", "--synthetic", args=train(synthetic=None))
        self.refused(64, "--sessions", "nobody", args=train(sessions="nobody"))
        self.refused(64, "--batch-size", "5000", args=train(batch_size=5000, train_windows="domain"))
        self.refused(64, "--dataset", "perch", "perich", args=train(dataset="perch"))
        self.refused(66, "weights.toml", args=train(loss_weights=self.folder / "weights.toml"))
        lab = self.folder / "lab.toml"
        lab.write_text("scored = 3\n")
        self.refused(64, "lab.toml:1: scored", args=train(dataset=lab))
        for more in ({"bin": 0.1}, {"method": "ridge", "rows": "bins"}, {"method": "mlp", "window": 2}, {"method": "kalman", "epochs": 5},
                     {"method": "ridge", "hidden": 5}, {"lr": "1e-3"}, {"method": "kalman", "weight_decay": 0}):
            self.refused(64, "--" + list(more)[-1].replace("_", "-"), "has none", args=baseline(**more))
        self.refused(64, "--lr", "'fast'", args=baseline(method="mlp", lr="fast"))
        self.refused(65, "g_co_00_s0", "window fits", args=baseline(method="gru", window=20))
        self.refused(64, "--time-scaling", "1.2,0.8", args=train(time_scaling="1.2,0.8"))
        for subcommand in ("eval", "decode", "embed"):
            self.refused(64, "--checkpoint", args=[subcommand, *QUIET])

    def test_files_that_cannot_be_read_are_refused(self):
        self.refused(66, "nothing.h5", args=train(synthetic=None, data=self.folder / "nothing.h5"))
        self.refused(66, "no .h5", args=train(synthetic=None, data=self.folder))
        path = self.written_sessions("co:1,units:4,seconds:30") / "g_co_00_s0.h5"
        whole = path.read_bytes()
        for part in (0, 7, 100, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:part])
            self.refused(65, "g_co_00_s0.h5", args=train(synthetic=None, data=path))
        path.write_bytes(whole)
        self.refused(65, "g_co_00_s0.h5", "hand", args=train(synthetic=None, data=path, readout="hand.vel"))
        self.refused(65, "g_co_00_s0", "stands twice", args=train(synthetic=None, data=f"{path},{path.parent}/./g_co_00_s0.h5"))

    def test_what_looks_wrong_is_told(self):
        for word, more in (("in other units", {"normalize_std": 0.02}), ("no multiple of --latent-step", {"latent_step": 0.3}),
                           ("--query-stride 4 would do", {"window": 3.5, "query_stride": 1, "train_windows": "domain", "batch_size": 2})):
            self.assertIn(word, self.done(*train(**more)).stderr)
        self.assertEqual(self.done(*train()).stderr, "")

    def test_what_is_asked_in_vain_is_told(self):
        def told(word, *args):
            self.assertIn(word, self.done(*args).stderr)
        self.done(*train(out=self.folder / "run"))
        stored = ["--checkpoint", self.folder / "run", *QUIET]
        told("g_co_00_s0: no step was decoded", "decode", *stored, "--duration", "0.5")
        told("no unit that the model knows", "embed", *stored, "--synthetic", "co:1,units:8,seconds:60,seed:5")
        told("--n-trials 5000: g_co_00_s0 has", *train(n_trials=5000))
        told("--n-trials 5000: g_co_00_s0 has", *baseline(n_trials=5000))
        told("not called a velocity", *train(synthetic=None, data=self.written_sessions(), readout="cursor.pos"))
        self.refused(64, "--seed", "seed:N", args=["gen", *QUIET, "--seed", "3", "--synthetic", SESSIONS, "--save-path", self.folder / "g"])
        self.refused(64, "found both", args=train(data=self.folder))
        every, named_so = (rows(self.result(baseline(n_trials=n))) for n in (None, "all"))
        self.assertEqual(every, named_so)

    def test_a_model_does_not_guess_at_sessions_that_it_does_not_know(self):
        self.done(*train(out=self.folder / "run"))
        self.refused(78, "g_co_01_s0", args=["eval", *QUIET, "--checkpoint", self.folder / "run", "--synthetic", "co:2,units:8,seconds:60"])
        self.refused(66, "nothing", args=["eval", *QUIET, "--checkpoint", self.folder / "nothing"])

    def test_trials_shorter_than_a_window_are_an_error_or_a_warning(self):
        self.refused(65, "a window of 20 s fits", args=train(window=20, latent_step=1))
        done = self.done(*train(window=1.9, latent_step=0.2))
        self.assertIn("shorter than a window", done.stderr)

    def test_another_option_on_resume_is_refused_by_name(self):
        self.done(*train(out=self.folder / "run"))
        done = run(*train(max_lr=0.5, out=self.folder / "run"), "--resume", "auto")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("--max-lr", done.stderr)
        done = run(*train(rotate="full-head", out=self.folder / "run"), "--resume", "auto")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("--rotate", done.stderr)


class Pictures(Case):
    def plot(self, *args, code=0):
        done = subprocess.run([sys.executable, PLOT, *map(str, args)], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def test_sessions_stand_side_by_side_and_training_beside_them(self):
        self.done(*train(out=self.folder / "run", seed="1,2"))
        self.done(*baseline(out=self.folder / "wiener"))
        out = self.folder / "picture.svg"
        self.plot(self.folder / "run/result.json", self.folder / "wiener/result.json", "--out", out)
        text = out.read_text()
        for word in ("POYO (run)", "Wiener filter", "g_rt_00_s0", "R2 on held-out trials", "step"):
            self.assertIn(word, text)
        self.plot(self.folder / "run/result.json")
        self.assertEqual((self.folder / "run/poyo-decode.png").read_bytes()[1:4], b"PNG")

    def test_decoded_movement_and_the_map_of_units_are_drawn(self):
        self.done(*train(out=self.folder / "run"))
        self.done("eval", *QUIET, "--checkpoint", self.folder / "run", "--out", self.folder / "eval")
        self.done("decode", *QUIET, "--checkpoint", self.folder / "run", "--sessions", "g_co_00_s0", "--out", self.folder / "decode")
        self.done("embed", *QUIET, "--checkpoint", self.folder / "run", "--synthetic", SESSIONS, "--out", self.folder / "embed")
        results = [self.folder / f"{name}/result.json" for name in ("eval", "decode", "embed")]
        out = self.folder / "picture.svg"
        self.plot(*results, "--out", out)
        text = out.read_text()
        for word in ("velocity x", "POYO, streamed (decode)", "PC1", "preferred direction", "g_rt_00_s0"):
            self.assertIn(word, text)
        self.assertIn("g_rt_01", self.plot(*results, "--sessions", "g_rt_01", code=65))

    def test_what_cannot_be_drawn_is_refused_in_one_line(self):
        self.done(*train(out=self.folder / "run"))
        result, other = self.folder / "run/result.json", self.folder / "other.json"
        for text, word in (("{", "no JSON"), ('{"schema": "nino-nowcast.train/1"}', "nino-nowcast.train/1")):
            other.write_text(text)
            self.assertIn(word, self.plot(other, code=65))
        for args, code in ((["nothing.json"], 66), ([result, "--out", "a.gif"], 64), ([result, "--out", self.folder / "no/a.png"], 73)):
            self.assertEqual(len(self.plot(*args, code=code).strip().splitlines()), 1)


@unittest.skipUnless(tool_case.LONG, "two minutes: TENFOLD_LONG=1")
class Effects(Case):
    def test_the_small_preset_decodes_reaches_better_than_a_wiener_filter(self):
        poyo, wiener = (json.loads(self.done(*args, "--preset", "small-gen", "--quiet", timeout=600).stdout)
                        for args in (["train", "--seed", "0,1,2"], ["baseline"]))
        least = wiener["metrics"]["r2/center_out_reaching"]["value"]
        for value in poyo["metrics"]["r2/center_out_reaching"]["per_seed"]:
            self.assertGreater(value, least + 0.05)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
