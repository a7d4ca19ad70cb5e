"""`scripts/bench prequential-icl --peers`: ours and theirs in turn, from the same numbers, into one JSON document.

Fails where losses differ (relative) by more than 1e-4 at step 1 or 1e-3 at step 20, or the test losses of the SGD
learner's fits by more than 1e-3. The times compared are the least of all rounds: other users of the machine only ever
add to a time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
LOSS_TOLERANCES = {1: 1e-4, 20: 1e-3}  # by step
FIT_TOLERANCE = 1e-3

TIMES = ("cpu_min_s", "cpu_median_s", "wall_min_s", "wall_median_s")

# torch.compile unrolls a loop over time, a thousand steps of it into a graph that never ends.
PEERS = {"transformer": ("torch", "torch-compile", "jax"), "two-stream": ("torch", "torch-compile"),
         "mamba1": ("torch", "jax"), "mamba2": ("torch",)}
NAMES = {"torch": "pytorch eager", "torch-compile": "pytorch compile", "jax": "jax jit"}


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

    def theirs(self, program, *arguments):
        file, _, compiled = program.partition("-")
        return self.call(f"{NAMES[program]} {' '.join(arguments[:5])}",
                         [self.options.python, os.path.join(FOLDER, f"prequential_icl_{file}.py"), *arguments,
                          "--folder", self.folder, "--threads", str(self.options.threads),
                          *(["--compile"] if compiled else [])])


def rows_of(document, name):
    table = document["tables"][name]
    return [dict(zip(table["columns"], row)) for row in table["rows"]]


def least(timings):
    return {key: min(row[key] for row in timings) for key in TIMES}


def table_of(rows):
    columns = list(rows[0])
    return {"columns": columns, "rows": [[row[column] for column in columns] for row in rows]}


def check(label, found, wanted, tolerance):
    difference = abs(found / wanted - 1)
    if not difference <= tolerance:
        sys.exit(f"bench: error: {label}: loss {found}, expected {wanted} to {tolerance}")
    return difference


def options_of(config, names):
    """Options of the first call, for the later ones."""
    return [text for name in names for text in ("--" + name, str(config[name]))]


def compare_steps(runner, config, model, shape):
    mine = ["--cases", "step", "--models", model, "--shapes", shape, "--seed", str(config["seed"][0]),
            *options_of(config, ("steps", "warmup-steps", "min-seconds"))]
    other = ["step", "--model", model, "--shape", shape, "--runs", str(config["steps"]), "--warmup",
             str(config["warmup-steps"]), *options_of(config, ("min-seconds",))]
    rounds = {name: [] for name in ("ours", *PEERS[model])}
    losses, versions = {}, {}
    for _ in range(runner.options.rounds):
        for name, timings in rounds.items():
            if name == "ours":
                document = runner.ours(f"{model} {shape}", *mine)
                timings.append(rows_of(document, "steps")[0])
                losses[name] = document["series"][f"loss/{model}/{shape}"]["columns"]["loss"]
            else:
                document = runner.theirs(name, *other)
                timings.append(document["timing"])
                losses[name] = document["losses"]
            versions[name] = document["version"]
    ours, rows = least(rounds["ours"]), []
    for name, timings in rounds.items():
        label, row = NAMES.get(name, name), least(timings)
        differences = {f"relative_difference_step_{step}":
                       check(f"{label}, {model} {shape}, step {step}", losses[name][step - 1],
                             losses["ours"][step - 1], tolerance)
                       for step, tolerance in LOSS_TOLERANCES.items() if step <= len(losses[name])}
        rows.append({"model": model, "shape": shape, "program": label, "version": versions[name],
                     "rounds": len(timings), **row,
                     "cpu_min_s_of_rounds": [t["cpu_min_s"] for t in timings],
                     "theirs_over_ours_cpu": row["cpu_min_s"] / ours["cpu_min_s"],
                     "theirs_over_ours_wall": row["wall_min_s"] / ours["wall_min_s"],
                     "loss_at_step_1": losses[name][0], "steps": len(losses[name]), **differences})
    return rows


def compare_sgd(runner, config):
    ours, theirs = [], []
    for _ in range(runner.options.rounds):
        document = runner.ours("SGD", "--cases", "sgd", "--seed", str(config["seed"][0]),
                               *options_of(config, ("runs", "min-seconds")))
        row = rows_of(document, "sgd")[0]
        ours.append({key: row[key] / row["fits"] for key in TIMES})
        mine = document["series"]["sgd"]["columns"]["loss_test"]
        document = runner.theirs("torch", "sgd")
        theirs.append(document["timing"])
        difference = max(check(f"pytorch eager, fit {i}", loss, mine[i], FIT_TOLERANCE)
                         for i, loss in enumerate(document["losses"]))
    a, b = least(ours), least(theirs)
    return [{"program": name, "rounds": runner.options.rounds,
             **{key.replace("_s", "_s_a_fit"): t[key] for key in TIMES}, "fits_per_cpu_s": 1 / t["cpu_min_s"], "theirs_over_ours_cpu": t["cpu_min_s"] / a["cpu_min_s"],
             "theirs_over_ours_wall": t["wall_min_s"] / a["wall_min_s"], "fits_compared": len(document["losses"]),
             "max_relative_difference": difference}
            for name, t in (("ours", a), ("pytorch eager, one by one", b))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", default="-")
    parser.add_argument("rest", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tenfold-bench-") as folder:
        runner = Runner(options, folder)
        document = runner.ours("all", *options.rest, "--export", folder)
        config, tables = document["config"], document["tables"]
        if "step" in config["cases"]:
            tables["peers_step"] = table_of([row for shape in config["shapes"] for model in config["models"]
                                             for row in compare_steps(runner, config, model, shape)])
        if "sgd" in config["cases"]:
            tables["peers_sgd"] = table_of(compare_sgd(runner, config))
    text = json.dumps(document)
    if options.json == "-":
        print(text)
    else:
        with open(options.json, "w") as file:
            print(text, file=file)


if __name__ == "__main__":
    main()
