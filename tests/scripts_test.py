"""The shell scripts around the tools, with a stand-in for the tool: scripts_test.py WORKSPACE"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SCRIPTS = pathlib.Path(sys.argv[1]).resolve().parent / "scripts"

# Writes its arguments down; with `wait` it checkpoints (exit 75) when SIGUSR2 comes.
STAND_IN = """#!/bin/sh
echo "$@" >> calls
[ "$1" = wait ] || exit "$2"
trap 'exit 75' USR2
touch ready
while :; do sleep 0.05; done
"""


# Writes a result that plot.py draws; where the file `stop` lies it stops half-way, as at a time limit.
RESULTS = """#!/usr/bin/python3
import json, os, pathlib, sys
words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
print(sys.argv[1], words["--task"], words["--seed"], file=open("calls", "a"))
stop = os.path.exists("stop")
column = [1.0, 2.0]
out = pathlib.Path(words["--out"], "result.json") if "--out" in words else pathlib.Path(words["--json"])
out.write_text(json.dumps({
    "schema": f"prequential-icl.{sys.argv[1]}/1", "status": "partial" if stop else "complete", "seeds": [int(words["--seed"])],
    "config": {"reg": "early-stop"}, "data": {"name": words["--task"], "kind": "labels"}, "metrics": {},
    "model": {"arch": words.get("--arch", "transformer"), "objective": words.get("--objective"), "method": words.get("--method")},
    "series": {"eval_curve": {"x": "n_samples", "columns": {"n_samples": column, "loss_nexttoken": column}}}}))
sys.exit(75 if stop else 0)
"""


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def program(self, name, text):
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def calls(self):
        return (self.folder / "calls").read_text().splitlines()


class Slurm(Scratch):
    def setUp(self):
        super().setUp()
        self.program("toy", STAND_IN)
        self.program("prequential-icl", STAND_IN)
        self.program("scontrol", '#!/bin/sh\necho "$@" >> requeued\n')
        self.environment = {**os.environ, "TENFOLD_BIN": str(self.folder), "PATH": f"{self.folder}:{os.environ['PATH']}",
                            "SLURM_SUBMIT_DIR": str(SCRIPTS.parent), "SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_JOB_ID": "77",
                            "SLURM_CPUS_PER_TASK": "2"}

    def start(self, *args, batch="seeds"):
        return subprocess.Popen(["bash", SCRIPTS / f"slurm/{batch}.sbatch", *args], cwd=self.folder, env=self.environment,
                                stderr=subprocess.PIPE, text=True)

    def code(self, *args, **kwargs):
        process = self.start(*args, **kwargs)
        self.errors = process.communicate(timeout=30)[1]
        return process.returncode

    def test_task_three_trains_seed_3000_into_its_own_folder(self):
        self.assertEqual(self.code("runs/a", "toy", "train", "0", "--lr", "0.1"), 0)
        self.assertEqual(self.calls(),
                         ["train 0 --lr 0.1 --seed 3000 --out runs/a/3000 --resume auto --threads 2 --json /dev/null"])
        self.assertFalse((self.folder / "requeued").exists())

    def test_only_an_interrupted_task_is_requeued(self):
        self.assertEqual(self.code("runs/a", "toy", "train", "70"), 70)
        self.assertFalse((self.folder / "requeued").exists())
        self.assertEqual(self.code("runs/a", "toy", "train", "75"), 75)
        self.assertEqual((self.folder / "requeued").read_text(), "requeue 77_3\n")

    def test_the_signal_before_the_time_limit_reaches_the_tool(self):
        (self.folder / "settings").write_text("wait\n")
        for start in (lambda: self.start("runs/a", "toy", "wait"),
                      lambda: self.start("prequential-icl", "runs/b", "settings", batch="settings")):
            process = start()
            while not (self.folder / "ready").exists():
                time.sleep(0.02)
            process.send_signal(signal.SIGUSR2)
            process.communicate(timeout=30)
            self.assertEqual(process.returncode, 75)
            (self.folder / "ready").unlink()
            (self.folder / "requeued").unlink()

    def test_too_few_arguments_are_64(self):
        self.assertEqual(self.code("runs/a"), 64)
        self.assertEqual(self.code("runs/a", batch="settings"), 64)
        self.assertEqual(self.code("prequential-icl", "runs/a", "nothing", batch="settings"), 66)
        self.assertEqual(self.code("runs/a", batch="ranks"), 64)

    def test_settings_times_seeds_are_the_tasks_of_the_array(self):
        (self.folder / "settings").write_text("# two of them\ntrain 0 --task linear\n\n  # and\nsgd 0 --reg l2\n")
        self.environment["SEEDS"] = "5 6 7"
        for task in range(6):
            self.environment["SLURM_ARRAY_TASK_ID"] = str(task)
            self.assertEqual(self.code("prequential-icl", "runs", "settings", batch="settings"), 0, self.errors)
        rest = "--resume auto --threads 2 --json /dev/null"
        self.assertEqual(self.calls(),
                         [f"train 0 --task linear --seed {s} --out runs/1-{s} {rest}" for s in (5, 6, 7)] +
                         [f"sgd 0 --reg l2 --seed {s} --out runs/2-{s} {rest}" for s in (5, 6, 7)])
        self.environment["SLURM_ARRAY_TASK_ID"] = "6"
        self.assertEqual(self.code("prequential-icl", "runs", "settings", batch="settings"), 64)
        self.assertIn("2 settings x 3 seeds, expected sbatch --array=0-5", self.errors)
        del self.environment["SLURM_ARRAY_TASK_ID"]
        self.assertEqual(self.code("prequential-icl", "runs", "settings", batch="settings"), 64)
        self.assertIn("--array=0-5", self.errors)


class Reproduce(Scratch):
    def make(self, *words):
        return subprocess.run(["make", "-f", SCRIPTS / "reproduce/Makefile", f"RUNS={self.folder}/runs", "SEEDS=4 7",
                               f"PREQUENTIAL={self.folder}/results", *words], cwd=self.folder, capture_output=True, text=True)

    def test_a_figure_makes_each_result_once_and_an_interrupted_one_again(self):
        self.program("results", RESULTS)
        done = self.make("prequential-fig4")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(self.calls()), sorted(f"train {task} {seed}" for task in ("linear", "sinusoid", "mastermind")
                                                      for seed in (4, 7) for _ in range(4)))
        small = self.folder / "runs/prequential/small"
        self.assertTrue((small / "fig4.png").exists())
        self.make("prequential-fig4")
        self.assertEqual(len(self.calls()), 24)
        self.make("prequential-fig4", "SEEDS=4 7 9")
        self.assertEqual(len(self.calls()), 36)
        (self.folder / "calls").write_text("")

        (self.folder / "stop").touch()
        self.assertNotEqual(self.make("prequential-fig2").returncode, 0)
        self.assertEqual(len(self.calls()), 1)
        (self.folder / "stop").unlink()
        self.assertEqual(self.make("prequential-fig2").returncode, 0)
        # The six prequential runs are there; others are train-risk and SGD of three tasks and Bayes of two, of two seeds.
        self.assertEqual(len(self.calls()), 1 + 2 * (3 + 3 + 2))
        self.assertTrue((small / "fig2.png").exists())


class Run(unittest.TestCase):
    def test_the_exit_code_is_the_tool_s(self):
        with tempfile.TemporaryDirectory() as scratch:
            top = pathlib.Path(scratch)
            for folder in ("scripts", "tools/toy", "bazel-bin/tools/toy", "bin"):
                (top / folder).mkdir(parents=True)
            for name in ("run", "lib.sh"):
                shutil.copy(SCRIPTS / name, top / "scripts" / name)
            (top / "tools/toy/main.cc").touch()
            (top / "tools/toy/plot.py").touch()
            for name, text in (("scripts/setup", "exit 0"), ("bin/bazel", "exit 0"), ("bazel-bin/tools/toy/toy", "exit $4")):
                (top / name).write_text(f"#!/bin/sh\n{text}\n")
                (top / name).chmod(0o755)
            environment = {**os.environ, "PATH": f"{top}/bin:{os.environ['PATH']}"}
            for code in (0, 64, 75, 130):
                for arguments in (["train", "--out", top / "out", str(code)], ["eval", "--a", "b", str(code)]):
                    done = subprocess.run(["bash", top / "scripts/run", "toy", *arguments], env=environment, check=False)
                    self.assertEqual(done.returncode, code, arguments)

    def test_an_unknown_tool_is_refused_with_the_known_ones(self):
        done = subprocess.run([SCRIPTS / "run", "nino-nowcats"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 64)
        self.assertIn("nino-nowcast", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
