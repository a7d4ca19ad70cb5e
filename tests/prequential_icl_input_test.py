"""prequential-icl and what it reads and draws: bad input, tables of the user, answers of language models, pictures."""

import json
import math
import signal
import struct
import subprocess
import sys
import time
import unittest

import tool_case
from prequential_icl_case import baseline, Case, curve, MASTERMIND, OF_FILE, PLOT, QUIET, run, sgd, train


class BadInput(Case):
    def test_sizes_that_do_not_fit_are_refused_by_name(self):
        self.refused(64, "--n-samples", "8", "--min-train-samples", args=train(min_train_samples=8))
        self.refused(64, "--n-heads", "3", "--h-dim 16", args=train(n_heads=3))
        self.refused(64, "--intrinsic-dim", "4", "--x-dim 3", args=train(intrinsic_dim=4))
        self.refused(64, "--colours", "256", "255", args=train(task="mastermind", colours=256))
        self.refused(64, "--code-colours", "5", "--colours 4", args=train(**MASTERMIND, code_colours=5))
        self.refused(64, "--noise", "-1", args=train(noise=-1))
        self.refused(64, "--mamba-head-dim", "24", args=train(arch="mamba2", mamba_head_dim=24))
        self.refused(64, "--loss-from", "8", args=train(loss_from=8))

    def test_an_unknown_task_is_refused_with_the_choices(self):
        self.refused(64, "--task", "liner", "linear, sinusoid, mastermind, hmm, chebyshev, mlp, lowrank, dynamics", "did you mean linear",
                     args=train(task="liner"))

    def test_learners_that_make_no_sense_are_refused(self):
        self.refused(64, "--objective train", "two-stream", args=train(objective="train", arch="two-stream"))
        self.refused(64, "--objective train", "relative", args=train(objective="train", task="hmm"))
        self.refused(64, "two-stream", "decoder", args=train(task="hmm", arch="two-stream"))
        self.refused(64, "decoder", "hmm", args=train(arch="decoder"))
        self.refused(64, "--method bayes", "sinusoid", args=baseline(task="sinusoid", method="bayes"))
        self.refused(64, "--method ridge", "mastermind", args=baseline(**MASTERMIND, method="ridge"))
        self.refused(64, "hmm", args=sgd(task="hmm"))

    def test_an_option_that_would_not_be_read_is_refused(self):
        for option, more in (("intrinsic-dim", {"task": "sinusoid"}), ("code-length", {"task": "linear"}), ("degree", {"task": "mlp"}),
                             ("hmm-size", {"task": "linear"}), ("noise", MASTERMIND), ("x-dim", {"task": "hmm"}),
                             ("predictor", {"arch": "two-stream"}), ("mamba-head-dim", {"arch": "mamba1"})):
            value = {"hmm-size": "medium", "predictor": "lowrank"}.get(option, "1")
            self.refused(64, f"--{option}", list(more.values())[0], args=[*train(**more), f"--{option}", value])
        self.refused(64, "--n-samples", "--n-max", args=sgd(n_samples=50))
        self.refused(64, "--n-tasks", "--data", args=train(data="x.safetensors"))
        self.refused(64, "--n-samples", "--csv", args=["gen", *QUIET, "--csv", "t.csv", "--save-path", "x", "--n-samples", "5"])

    def test_what_may_be_meant_is_done_with_a_warning(self):
        self.warned("--n-tasks 64", "--batch-size 100", args=train(batch_size=100, steps=1))
        self.warned("--fits 8", "60 fits", args=sgd())
        self.done(*train(out=self.folder / "run"))
        self.warned("15", "longer", "8 points", args=["eval", *QUIET, "--checkpoint", self.folder / "run", "--n-samples", "16"])

    def test_an_evaluation_that_does_not_fit_its_run_is_refused(self):
        self.done(*train(out=self.folder / "run"))
        args = ["eval", *QUIET, "--checkpoint", self.folder / "run"]
        self.refused(64, "--probe-functions", "3", args=[*args, "--probe-functions"])
        wide = self.generated("wide.safetensors", x_dim=2)
        self.refused(78, "--checkpoint", "x of 3", "2 and 1", "dimensions", args=[*args, "--data", wide])
        self.refused(66, "nothing", args=["eval", *QUIET, "--checkpoint", self.folder / "nothing"])

    def test_a_damaged_checkpoint_is_refused(self):
        self.done(*train(out=self.folder / "run"))
        checkpoints = self.folder / "run/checkpoints"
        weights = checkpoints / (checkpoints / "latest").read_text().strip() / "model.safetensors"
        whole = weights.read_bytes()
        for damaged in (whole[:-1], whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]):
            weights.write_bytes(damaged)
            self.refused(65, "model.safetensors", args=["eval", *QUIET, "--checkpoint", self.folder / "run"])
            self.refused(65, "model.safetensors", args=[*train(out=self.folder / "run"), "--resume", "auto"])

    def test_data_that_are_not_numbers_are_refused(self):
        path = self.generated()
        raw = bytearray(path.read_bytes())
        size = struct.unpack("<Q", raw[:8])[0]
        begin = json.loads(raw[8:8 + size])["train.y"]["data_offsets"][0]
        raw[8 + size + begin:8 + size + begin + 4] = struct.pack("<f", math.nan)
        path.write_bytes(raw)
        self.refused(65, "tasks.safetensors", "train.y", args=train(**OF_FILE, data=path))
        self.refused(66, "nothing.safetensors", args=train(**OF_FILE, data=self.folder / "nothing.safetensors"))
        path.write_bytes(raw[:-5])
        self.refused(65, "tasks.safetensors", args=train(**OF_FILE, data=path))

    def test_a_place_for_the_result_is_looked_at_before_the_work(self):
        self.refused(73, "no/x.json", args=train(json=self.folder / "no/x.json", steps=1000000))
        self.refused(73, "no/t.safetensors", args=["gen", *QUIET, "--save-path", self.folder / "no/t.safetensors"])
        self.refused(64, "--save-path", args=["gen", *QUIET])


class Tables(Case):
    def gen(self, text, *more):
        table = self.folder / "t.csv"
        table.write_text(text)
        return ["gen", *QUIET, "--csv", table, "--save-path", self.folder / "t.safetensors", *more]

    def test_a_table_becomes_tasks_that_train_reads(self):
        rows = [f"{t},{p},{p * p},{t + p}\n" for t in range(20) for p in range(6)]
        result = self.result(self.gen("task,x1,x2,y1\n" + "".join(rows), "--val-fraction", "0.25"))
        self.assertEqual((result["data"]["tasks"], result["data"]["validation_tasks"], result["data"]["points"]), (15, 5, 6))
        self.assertEqual((result["data"]["x_dim"], result["data"]["y_dim"]), (2, 1))
        trained = self.result(train(**OF_FILE, data=self.folder / "t.safetensors"))
        self.assertEqual(trained["data"]["name"], "custom")
        self.assertEqual(curve(trained)["n_samples"], [1, 2, 3, 4, 5])
        for key in ("n-tasks", "n-samples", "noise", "x-dim"):
            self.assertIsNone(trained["config"][key])
        # The size of a head that follows from the points is found when the file is read.
        own = {**OF_FILE, "data": self.folder / "t.safetensors"}
        for head in ("linear", "mlp-hyper"):
            self.done(*train(**own, predictor=head, z_dim=None, pred_h_dim=4, out=self.folder / head))
            again = self.result(["eval", *QUIET, "--checkpoint", self.folder / head, "--n-tasks", "3"])
            self.assertEqual(again["data"]["validation_tasks"], 3)
        args = ["eval", *QUIET, "--checkpoint", self.folder / "linear"]
        self.refused(64, "--n-tasks", "6", "5 validation tasks", args=[*args, "--n-tasks", "6"])
        self.refused(64, "--n-samples", "t.safetensors", args=[*args, "--n-samples", "3"])
        self.refused(65, "--ood", "val.x_ood", args=[*args, "--ood"])
        self.refused(64, "--contexts", "6", "1..5", args=train(**own, contexts="6"))
        self.refused(64, "--loss-from 6", "6 points", args=train(**own, loss_from=6))

    def test_unequal_tasks_are_cut_to_the_shortest_and_say_so(self):
        args = self.gen("task,x1,y1\na,1,2\na,2,3\na,3,4\nb,1,3\nb,3,3\nc,1,1\nc,2,2\n")
        self.warned("2 to 3 points", "cut to 2", args=args)
        self.assertEqual(json.loads(run(*args).stdout)["data"]["points"], 2)

    def test_a_bad_cell_is_refused_with_its_row_and_column(self):
        for cell in ("nan", "inf", "", "x"):
            self.refused(65, "t.csv:4:", "y1", args=self.gen(f"task,x1,y1\na,1,2\na,2,3\nb,1,{cell}\nb,3,3\n"))
        self.refused(65, "t.csv", "task", args=self.gen("x1,y1\n1,2\n2,3\n"))
        self.refused(65, "t.csv", "y1", args=self.gen("task,x1\na,2\nb,3\n"))
        self.refused(65, "1 tasks", args=self.gen("task,x1,y1\na,1,2\na,2,3\n"))
        self.refused(66, "nothing.csv", args=["gen", *QUIET, "--csv", self.folder / "nothing.csv", "--save-path", self.folder / "t"])


class LanguageModels(Case):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "prompts.jsonl"
        self.written = self.result(["llm-prompts", *QUIET, "--save-path", self.path, "--n-tasks", "3", "--n-samples", "12"])
        self.prompts = [json.loads(line) for line in self.path.read_text().splitlines()]

    def score(self, answers, *more):
        path = self.folder / "answers.jsonl"
        path.write_text("".join(json.dumps(a) + "\n" for a in answers))
        return ["llm-score", *QUIET, "--prompts", self.path, "--answers", path, *more]

    def answers(self, table_of):
        return [{"task": p["task"], "n": p["n"], "answer": p["target"], "logprobs": [table_of(d) for d in p["target"]]}
                for p in self.prompts]

    def test_prompts_have_the_described_form_and_agree_with_one_another(self):
        self.assertEqual([(p["task"], p["n"]) for p in self.prompts], [(t, c) for t in range(3) for c in range(1, 12)])
        self.assertEqual(self.written["data"]["prompts"], 33)
        for p in self.prompts:
            self.assertEqual(set(p), {"task", "n", "system", "context", "query", "target"})
            blocks = p["context"].strip().split("\n\n")
            self.assertEqual(len(blocks), p["n"])
            for block in blocks:
                self.assertRegex(block, r"^Guess: [0-5]( [0-5]){7}\nResponse: [0-8] [0-8]$")
            self.assertRegex(p["query"], r"^Guess: [0-5]( [0-5]){7}\nResponse: \? \?\n-+\n")
            self.assertTrue(0 <= p["target"][0] <= p["target"][1] <= 8)
        for a, b in zip(self.prompts, self.prompts[1:]):
            if a["task"] != b["task"]:
                continue
            guess = a["query"].split("\n")[0]  # the next context holds this guess and its answer
            self.assertEqual(b["context"], a["context"] + f"{guess}\nResponse: {a['target'][0]} {a['target'][1]}\n\n")

    def test_prompts_repeat_and_follow_the_seed(self):
        args = ["llm-prompts", *QUIET, "--n-tasks", "3", "--n-samples", "12", "--save-path", self.folder / "again.jsonl"]
        self.done(*args)
        self.assertEqual(self.path.read_bytes(), (self.folder / "again.jsonl").read_bytes())
        self.done(*args, "--seed", "1")
        self.assertNotEqual(self.path.read_bytes(), (self.folder / "again.jsonl").read_bytes())

    def test_a_perfect_scorer_loses_nothing_and_a_uniform_one_ln_9(self):
        perfect = self.result(self.score(self.answers(lambda d: {**{str(i): -40.0 for i in range(9)}, str(d): 0.0})))
        self.assertEqual(perfect["metrics"]["accuracy"]["value"], 1)
        self.assertLess(max(curve(perfect)["loss_nexttoken"]), 1e-12)
        uniform = self.result(self.score(self.answers(lambda d: {str(i): -3.0 for i in range(9)})))
        for column in ("loss_nexttoken", "loss_smoothed"):
            for value in curve(uniform)[column]:
                self.assertAlmostEqual(value, math.log(9))
        self.assertAlmostEqual(uniform["metrics"]["code_length"]["value"], 11 * math.log(9))

    def test_a_missing_digit_has_the_least_of_its_whole_list(self):
        # The true digit and seven others are missing; the list's least belongs to no digit.
        answers = self.answers(lambda d: {str((d + 1) % 9): -0.5, " ": -4.0, "a": -7.0})
        expected = math.log(math.exp(-0.5) + 8 * math.exp(-7.0)) + 7.0
        for value in curve(self.result(self.score(answers)))["loss_nexttoken"]:
            self.assertAlmostEqual(value, expected)

    def test_prompts_without_an_answer_are_counted(self):
        args = self.score(self.answers(lambda d: {str(d): -0.1})[:30])
        self.assertEqual(self.result(args)["metrics"]["unanswered"]["value"], 3)
        self.warned("3 of 33", args=args)

    def test_seeds_are_further_tasks(self):
        self.done("llm-prompts", *QUIET, "--save-path", self.path, "--n-tasks", "2", "--n-samples", "3", "--seed", "0,1")
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        self.assertEqual([(p["task"], p["n"]) for p in lines], [(t, n) for t in range(4) for n in (1, 2)])

    def test_a_bad_answer_is_refused_by_its_line(self):
        good = self.answers(lambda d: {str(d): -0.1})
        self.refused(65, "answers.jsonl:2", "twice", args=self.score([good[0], good[0]]))
        for change, words in (({"logprobs": good[0]["logprobs"][:1]}, ["logprobs"]), ({"logprobs": None}, ["logprobs"]),
                              ({"logprobs": [{}, {}]}, ["logprobs"]), ({"answer": [1]}, ["answer"]), ({"task": 99}, ["99", "prompts"])):
            self.refused(65, "answers.jsonl:3", *words, args=self.score([*good[:2], {**good[2], **change}]))
        self.refused(64, "--answers", args=["llm-score", *QUIET, "--prompts", self.path])


@unittest.skipUnless(tool_case.LONG, "three minutes: TENFOLD_LONG=1")


class Pictures(Case):
    """Text is text in an SVG, so what a picture says can be read."""

    def plot(self, *args, code=0, **kwargs):
        done = subprocess.run([sys.executable, PLOT, *map(str, args)], capture_output=True, text=True, timeout=120, **kwargs)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def written(self, name, args):
        self.done(*args, "--out", self.folder / name)
        return self.folder / name / "result.json"

    def picture(self, *args):
        out = self.folder / "picture.svg"
        self.plot(*args, "--out", out)
        return out.read_text()

    def test_seeds_of_one_learner_are_one_curve_and_tasks_are_panels(self):
        results = [self.written(f"p{s}", train(seed=s)) for s in (1, 2)]
        results += [self.written("t", train(objective="train")), self.written("s", sgd()), self.written("b", baseline()),
                    self.written("m", train(**MASTERMIND))]
        text = self.picture("--figure", "2", *results)
        values = [json.loads(p.read_text())["metrics"]["code_length"]["value"] for p in results[:2]]
        self.assertIn(f">prequential, {sum(values) / 2:.2f} ± {abs(values[0] - values[1]) / 2:.2f}<", text)
        for word in ("train-risk, ", "SGD, early stop<", "Bayes, ", ">linear<", ">mastermind<", "up to 2 seeds"):
            self.assertIn(word, text)
        self.assertEqual(text.count(">prequential, "), 2)  # one a panel
        self.assertNotIn("dashed", text)
        self.assertIn("dashed", self.picture("--published", results[2]))
        self.assertIn("dotted", self.picture("--train-error", results[0]))
        self.assertNotIn("train-risk", self.picture("--figure", "4", *results))

    def test_learners_that_differ_in_an_option_are_told_apart(self):
        text = self.picture(self.written("a", train()), self.written("b", train(lr=0.01)))
        self.assertIn("prequential (lr 0.0001), ", text)
        self.assertIn("prequential (lr 0.01), ", text)

    def test_hmm_and_polynomials_have_their_own_figures(self):
        results = [self.written("h", train(task="hmm", oracle_sequences=2)),
                   self.written("d", train(task="hmm", arch="decoder", oracle_sequences=2)),
                   self.written("o", baseline(task="hmm", n_val_tasks=2))]
        text = self.picture(*results)
        for word in ("decoder, ", "Bayes, ", "epoch", "KL(model"):
            self.assertIn(word, text)
        self.written("c", train(task="chebyshev", z_dim=None, pred_h_dim=None, predictor="polynomial", degree=1))
        probed = self.written("e", ["eval", *QUIET, "--checkpoint", self.folder / "c", "--probe-functions"])
        text = self.picture(self.folder / "c/result.json", probed)
        for word in ("chebyshev, degree 1", "true function", "n = 5", "coefficients"):
            self.assertIn(word, text)
        self.assertIn("probe_functions", self.plot("--figure", "3", results[0], code=65))

    def test_a_language_model_stands_beside_the_marginal_baseline(self):
        prompts, answers = self.folder / "p.jsonl", self.folder / "a.jsonl"
        self.done("llm-prompts", *QUIET, "--save-path", prompts, "--n-tasks", "1", "--n-samples", "5")
        rows = [json.loads(line) for line in prompts.read_text().splitlines()]
        answers.write_text("".join(json.dumps({"task": r["task"], "n": r["n"], "answer": r["target"], "logprobs": [{"1": -1.0}] * 2})
                                   + "\n" for r in rows))
        results = [self.written("llm", ["llm-score", *QUIET, "--prompts", prompts, "--answers", answers]),
                   self.written("marginal", baseline(**MASTERMIND, method="marginal"))]
        text = self.picture(*results)
        self.assertIn("language model, ", text)
        self.assertIn("marginal baseline, ", text)

    def test_a_partial_result_says_so(self):
        process = self.tool.start(*train(steps=1000000, checkpoint_every=10, out=self.folder / "run"))
        while not (self.folder / "run/checkpoints/latest").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 75)
        self.assertIn("(partial)", self.picture(self.folder / "run/result.json"))

    def test_a_picture_lies_beside_the_first_result_or_where_it_is_told(self):
        result = self.written("run", train())
        self.plot(result)
        self.assertEqual((self.folder / "run/prequential-icl.png").read_bytes()[1:4], b"PNG")
        self.plot("-", "--out", self.folder / "stdin.png", input=result.read_text())
        self.assertTrue((self.folder / "stdin.png").exists())

    def test_what_cannot_be_drawn_is_refused_in_one_line(self):
        result = self.written("run", train())
        other = self.folder / "other.json"
        for text, word in (("{", "no JSON"), ('{"schema": "nino-nowcast.train/1"}', "nino-nowcast.train/1"),
                           (run(*train(), "--dry-run").stdout, "dry run")):
            other.write_text(text)
            self.assertIn(word, self.plot(other, code=65))
        for args, code in ((["nothing.json"], 66), ([result, "--out", "a.gif"], 64), (["-", "-"], 64),
                           ([result, "--out", self.folder / "no/a.png"], 73)):
            error = self.plot(*args, code=code)
            self.assertTrue(error.startswith("plot.py: error: "), error)
            self.assertEqual(len(error.strip().splitlines()), 1, error)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
