"""settings.sbatch under a real Slurm of one node, set up in a scratch folder: slurm_test.py WORKSPACE TOOL

Needs Debian's slurm-wlm and munge; without them, or where their daemons do not start, it says SKIPPED and passes.
"""

import getpass
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import tool_case

CHECKOUT = pathlib.Path(sys.argv[1]).resolve().parent
TOOL = pathlib.Path(sys.argv[2]).resolve()
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
SETTING = ("train --task linear --n-tasks 256 --n-val-tasks 64 --n-samples 12 --h-dim 16 --n-layers 1 --z-dim 8 --pred-h-dim 16 "
           "--batch-size 16 --eval-every 100 --steps 2000 --quiet")
CONFIG = """ClusterName=tenfold
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller}
SlurmdPort={daemon}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=5
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cluster:
    """munged, slurmctld and slurmd of the current user; `up` raises RuntimeError where they do not start."""

    def __init__(self, folder):
        self.folder, self.daemons = folder, {}
        self.environment = {**os.environ, "PATH": PATH, "SLURM_CONF": str(folder / "slurm.conf")}

    def up(self):
        folder, host = self.folder, socket.gethostname().split(".")[0]
        for name in ("state", "spool"):
            (folder / name).mkdir()
        folder.chmod(0o755)  # munged refuses a socket that others cannot reach
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        (folder / "slurm.conf").write_text(CONFIG.format(folder=folder, host=host, user=getpass.getuser(),
                                                         controller=free_port(), daemon=free_port()))
        self.start("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket",
                   f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log", f"--seed-file={folder}/munge.seed")
        self.until((folder / "munge.socket").exists)
        self.start("slurmctld", "-D", "-i", "-L", folder / "slurmctld.log")
        self.start("slurmd", "-D", "-N", host, "-L", folder / "slurmd.log")
        self.until(lambda: self.run("sinfo", "-h", "-o", "%T").strip() == "idle")

    def start(self, name, *options):
        with open(self.folder / f"{name}.out", "w") as log:
            self.daemons[name] = subprocess.Popen([name, *map(str, options)], env=self.environment, stdout=log, stderr=log)

    def until(self, is_true, seconds=20):
        end = time.monotonic() + seconds
        while not is_true():
            dead = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if dead or time.monotonic() > end:
                name = (dead or list(self.daemons))[-1]
                logs = [self.folder / f"{name}{suffix}" for suffix in (".log", ".out")]
                last = [line for log in logs if log.exists() for line in log.read_text().splitlines()][-1:]
                raise RuntimeError(f"{name} did not start: {' '.join(last)}")
            time.sleep(0.2)

    def run(self, *command, **kwargs):
        done = subprocess.run(list(map(str, command)), env=self.environment, capture_output=True, text=True, timeout=30, **kwargs)
        return done.stdout

    def stop(self):
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


class Requeue(unittest.TestCase):
    def setUp(self):
        missing = [p for p in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(p, path=PATH)]
        if missing:
            self.skip(f"no {', '.join(missing)} (Debian: slurm-wlm, munge)")
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        (self.folder / "slurm").mkdir()
        self.cluster = Cluster(self.folder / "slurm")
        self.addCleanup(self.cluster.stop)
        try:
            self.cluster.up()
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
            self.skip(str(e))

    def skip(self, reason):
        print(f"SKIPPED: slurm_test: {reason}")
        self.skipTest(reason)

    def field(self, job, name):
        text = self.cluster.run("scontrol", "show", "job", job, "--oneliner")
        return next((w.split("=", 1)[1] for w in text.split() if w.startswith(name + "=")), "")

    def wait_for(self, what, job, is_true, seconds):
        end = time.monotonic() + seconds
        while not is_true():
            state, log = self.field(job, "JobState"), self.folder / "job.log"
            if time.monotonic() > end or state in ("FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL"):
                self.fail(f"no {what}: {state} {self.field(job, 'Reason')}: {log.read_text() if log.exists() else 'no log'}")
            time.sleep(0.2)

    def test_an_interrupted_task_is_requeued_and_ends_as_if_it_had_not_been(self):
        settings, out = self.folder / "settings", self.folder / "runs"
        settings.write_text(f"# what is trained\n{SETTING}\n{SETTING} --objective train\n")
        self.cluster.environment |= {"TENFOLD_BIN": str(TOOL.parent), "SEEDS": "3"}
        job = self.cluster.run("sbatch", "--parsable", "--array=1", "--time=1", "--cpus-per-task=1", "--mem=100", "--signal=B:USR2@10",
                               f"--output={self.folder}/job.log", CHECKOUT / "scripts/slurm/settings.sbatch", TOOL.name, out, settings,
                               cwd=CHECKOUT).strip() + "_1"
        self.wait_for("run", job, lambda: (out / "2-3/metrics.jsonl").exists(), 60)
        self.cluster.run("scancel", "--signal=USR2", "--batch", job)
        self.wait_for("requeue", job, lambda: self.field(job, "Restarts") == "1", 30)
        self.wait_for("end", job, lambda: self.field(job, "JobState") == "COMPLETED", 100)

        whole = self.folder / "whole"
        done = subprocess.run([TOOL, *SETTING.split(), "--objective", "train", "--seed", "3", "--threads", "1", "--out", whole,
                               "--json", "/dev/null"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        results = [tool_case.comparable(path / "result.json", timed=["tokens_per_s"]) for path in (out / "2-3", whole)]
        self.assertEqual(results[0].pop("environment")["SLURM_ARRAY_TASK_ID"], "1")
        self.assertNotIn("SLURM_ARRAY_TASK_ID", results[1].pop("environment"))
        self.assertEqual(*results)
        self.assertEqual((out / "2-3/metrics.jsonl").read_bytes(), (whole / "metrics.jsonl").read_bytes())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
