"""poyo-decode as a user meets it: results, schemas, bad input, kill and resume, signals, pictures."""

import json
import pathlib
import signal
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
        self.assertEqual([r["session"] for r in rows(trained)], ["g_co_00", "g_rt_00"])
        self.assertAlmostEqual(trained["metrics"]["r2"]["value"], sum(r["r2"] for r in rows(trained)) / 2)
        again = self.result(["eval", *QUIET, "--checkpoint", self.folder / "run"])
        self.assertEqual(rows(trained), rows(again))
        valid = self.result(["eval", *QUIET, "--checkpoint", self.folder / "run", "--split", "valid"])
        self.assertNotEqual(rows(valid), rows(again))
        one = self.result(["eval", *QUIET, "--checkpoint", self.folder / "run", "--sessions", "g_rt_00"])
        self.assertEqual(rows(one), rows(again)[1:])

    def test_written_sessions_are_the_generated_ones(self):
        folder = self.written_sessions()
        self.assertEqual(rows(self.result(train())), rows(self.result(train(synthetic=None, data=folder))))
        found = rows(self.result(["info", *QUIET, "--data", folder]))
        self.assertEqual([(r["session"], r["units"], r["task"]) for r in found],
                         [("g_co_00", 8, "center_out_reaching"), ("g_rt_00", 8, "random_target_reaching")])
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

    def test_a_dry_run_takes_no_step_and_writes_nothing(self):
        result = self.result([*train(out=self.folder / "run"), "--dry-run"])
        self.assertNotIn("series", result)
        self.assertFalse((self.folder / "run").exists())


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
        self.refused(64, "--checkpoint", args=["eval", *QUIET])

    def test_files_that_cannot_be_read_are_refused(self):
        self.refused(66, "nothing.h5", args=train(synthetic=None, data=self.folder / "nothing.h5"))
        self.refused(66, "no .h5", args=train(synthetic=None, data=self.folder))
        path = self.written_sessions("co:1,units:4,seconds:30") / "g_co_00.h5"
        whole = path.read_bytes()
        for part in (0, 7, 100, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:part])
            self.refused(65, "g_co_00.h5", args=train(synthetic=None, data=path))
        path.write_bytes(whole)
        self.refused(65, "g_co_00.h5", "hand", args=train(synthetic=None, data=path, readout="hand.vel"))

    def test_a_model_does_not_guess_at_sessions_that_it_does_not_know(self):
        self.done(*train(out=self.folder / "run"))
        self.refused(78, "g_co_01", args=["eval", *QUIET, "--checkpoint", self.folder / "run", "--synthetic", "co:2,units:8,seconds:60"])
        self.refused(66, "nothing", args=["eval", *QUIET, "--checkpoint", self.folder / "nothing"])

    def test_trials_shorter_than_a_window_are_an_error_or_a_warning(self):
        self.refused(65, "window fits", args=train(window=20, latent_step=1))
        done = self.done(*train(window=1.9, latent_step=0.2))
        self.assertIn("shorter than a window", done.stderr)

    def test_another_option_on_resume_is_refused_by_name(self):
        self.done(*train(out=self.folder / "run"))
        done = run(*train(max_lr=0.5, out=self.folder / "run"), "--resume", "auto")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("--max-lr", done.stderr)


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
        for word in ("POYO (run)", "Wiener filter", "g_rt_00", "R2 on held-out trials", "step"):
            self.assertIn(word, text)
        self.plot(self.folder / "run/result.json")
        self.assertEqual((self.folder / "run/poyo-decode.png").read_bytes()[1:4], b"PNG")

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
