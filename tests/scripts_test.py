"""The shell scripts around the tools, with a stand-in for the tool: scripts_test.py WORKSPACE"""

import os
import pathlib
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


class Slurm(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.program("toy", STAND_IN)
        self.program("scontrol", '#!/bin/sh\necho "$@" >> requeued\n')
        self.environment = {**os.environ, "TENFOLD_BIN": str(self.folder), "PATH": f"{self.folder}:{os.environ['PATH']}",
                            "SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_JOB_ID": "77", "SLURM_CPUS_PER_TASK": "2"}

    def program(self, name, text):
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def start(self, *args):
        return subprocess.Popen(["bash", SCRIPTS / "slurm/seeds.sbatch", *args], cwd=self.folder, env=self.environment,
                                stderr=subprocess.PIPE, text=True)

    def code(self, *args):
        process = self.start(*args)
        process.communicate(timeout=30)
        return process.returncode

    def test_task_three_trains_seed_3000_into_its_own_folder(self):
        self.assertEqual(self.code("runs/a", "toy", "train", "0", "--lr", "0.1"), 0)
        self.assertEqual((self.folder / "calls").read_text(),
                         "train 0 --lr 0.1 --seed 3000 --out runs/a/3000 --resume auto --threads 2 --json /dev/null\n")
        self.assertFalse((self.folder / "requeued").exists())

    def test_only_an_interrupted_task_is_requeued(self):
        self.assertEqual(self.code("runs/a", "toy", "train", "70"), 70)
        self.assertFalse((self.folder / "requeued").exists())
        self.assertEqual(self.code("runs/a", "toy", "train", "75"), 75)
        self.assertEqual((self.folder / "requeued").read_text(), "requeue 77_3\n")

    def test_the_signal_before_the_time_limit_reaches_the_tool(self):
        process = self.start("runs/a", "toy", "wait")
        while not (self.folder / "ready").exists():
            time.sleep(0.02)
        process.send_signal(signal.SIGUSR2)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 75)
        self.assertTrue((self.folder / "requeued").exists())

    def test_too_few_arguments_are_64(self):
        self.assertEqual(self.code("runs/a"), 64)


class Run(unittest.TestCase):
    def test_an_unknown_tool_is_refused_with_the_known_ones(self):
        done = subprocess.run([SCRIPTS / "run", "nino-nowcats"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 64)
        self.assertIn("nino-nowcast", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
