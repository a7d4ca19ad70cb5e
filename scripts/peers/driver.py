"""What the comparisons of all tools share: calling programs in turn, their tables, and the document on stdout."""

import argparse
import json
import os
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
TIMES = ("cpu_min_s", "cpu_median_s", "wall_min_s", "wall_median_s")


def environment(threads):
    count = str(threads)
    return {**os.environ, "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "TORCHINDUCTOR_COMPILE_THREADS": "1",
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={'false' if threads == 1 else 'true'} "
                         f"intra_op_parallelism_threads={count}"}


class Runner:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.processors = sorted(os.sched_getaffinity(0))[:options.threads]

    def call(self, label, command):
        """The JSON document that `command` prints, run on as many processors as it has threads."""
        print(f"bench: {label}", file=sys.stderr, flush=True)
        done = subprocess.run(command, stdout=subprocess.PIPE, env=environment(self.options.threads), check=False,
                              preexec_fn=lambda: os.sched_setaffinity(0, self.processors))
        if done.returncode != 0:
            sys.exit(f"bench: error: {label} ended with {done.returncode}")
        return json.loads(done.stdout)

    def ours(self, label, *arguments):
        return self.call(f"ours, {label}", [self.options.binary, "bench", "--threads", str(self.options.threads),
                                            *arguments])

    def theirs(self, label, file, *arguments):
        """Runs FILE of this folder with the Python that has the frameworks."""
        return self.call(label, [self.options.python, os.path.join(FOLDER, file), *arguments, "--folder", self.folder,
                                 "--threads", str(self.options.threads)])


def rows_of(document, name):
    table = document["tables"][name]
    return [dict(zip(table["columns"], row)) for row in table["rows"]]


def table_of(rows):
    columns = list(rows[0])
    return {"columns": columns, "rows": [[row[column] for column in columns] for row in rows]}


def least(timings):
    """Of all rounds: other users of the machine only ever add to a time."""
    return {key: min(row[key] for row in timings) for key in TIMES}


def options_of(config, names):
    """Options of the first call, for the later ones."""
    return [text for name in names for text in ("--" + name, str(config[name]))]


def main(description, compare):
    """Parses what scripts/bench passes, lets `compare(runner)` make the document, prints it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", default="-")
    parser.add_argument("rest", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tenfold-bench-") as folder:
        text = json.dumps(compare(Runner(options, folder)))
    if options.json == "-":
        print(text)
    else:
        with open(options.json, "w") as file:
            print(text, file=file)
