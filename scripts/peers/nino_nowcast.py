"""`scripts/bench nino-nowcast --peers`: ours and theirs in turn, from the same numbers, into one JSON document.

Fails where the losses of step 20 differ by more than 1e-3 (relative) or nowcasts by more than 1e-4. Later losses drift
apart by themselves: Adam divides by the root of tiny second moments, which makes last bits large.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
LOSS_TOLERANCE, PREDICTION_TOLERANCE = 1e-3, 1e-4
CHECKED_STEP = 20

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

    def ours(self, part, extra=()):
        return self.call(f"ours, {part}", [self.options.binary, "bench", "--threads", str(self.options.threads),
                                           "--parts", part, *self.options.rest, *extra])

    def theirs(self, program, part, *extra):
        return self.call(f"{program} {part} {' '.join(extra)}",
                         [self.options.python, os.path.join(FOLDER, f"nino_nowcast_{program}.py"), part, "--folder",
                          self.folder, "--threads", str(self.options.threads), *extra])


def rows_of(document, name):
    table = document["tables"][name]
    return [dict(zip(table["columns"], row)) for row in table["rows"]]


def best(rounds):
    """The round of the lowest median CPU time: what other users of the machine disturbed least."""
    return min(rounds, key=lambda row: row["cpu_median_s"])


def table_of(rows):
    columns = list(rows[0])
    return {"columns": columns, "rows": [[row[column] for column in columns] for row in rows]}


def compare_training(runner, warmup):
    programs = {
        "ours": lambda: runner.ours("training"),
        "pytorch eager": lambda: runner.theirs("torch", "training", "--warmup", warmup),
        "pytorch compile": lambda: runner.theirs("torch", "training", "--warmup", warmup, "--compile"),
        "jax jit": lambda: runner.theirs("jax", "training", "--warmup", warmup),
    }
    rounds = {name: [] for name in programs}
    losses, versions = {}, {"ours": None}
    for _ in range(runner.options.rounds):
        for name, run in programs.items():
            document = run()
            if name == "ours":
                rounds[name].append(rows_of(document, "training")[0])
                losses[name] = document["series"]["training"]["columns"]["loss"]
                versions[name] = document["version"]
            else:
                rounds[name].append(document["training"])
                losses[name], versions[name] = document["losses"], document["version"]
    ours, rows = best(rounds["ours"]), []
    for name, timings in rounds.items():
        row = best(timings)
        step = min(CHECKED_STEP, len(losses[name]))
        loss, wanted = losses[name][step - 1], losses["ours"][step - 1]
        if not abs(loss / wanted - 1) <= LOSS_TOLERANCE:
            sys.exit(f"bench: error: {name}: loss {loss} at step {step}, expected {wanted} to {LOSS_TOLERANCE}")
        rows.append({"program": name, "version": versions[name], "rounds": len(timings),
                     **{key: row[key] for key in TIMES},
                     "cpu_median_s_of_rounds": [t["cpu_median_s"] for t in timings],
                     "theirs_over_ours_cpu": row["cpu_median_s"] / ours["cpu_median_s"],
                     "theirs_over_ours_wall": row["wall_median_s"] / ours["wall_median_s"],
                     "checked_step": step, "loss_at_step": loss, "relative_difference": abs(loss / wanted - 1),
                     "steps": len(losses[name]), "last_loss": losses[name][-1]})
    return table_of(rows)


def compare_nowcasts(runner):
    ours, theirs = {}, {}
    for _ in range(runner.options.rounds):
        for row in rows_of(runner.ours("nowcast"), "nowcast"):
            if row["model"] == "nino":
                ours.setdefault(row["network"], []).append(row)
        for network, row in runner.theirs("torch", "nowcast")["nowcast"].items():
            theirs.setdefault(network, []).append(row)
    rows = []
    for network, timings in theirs.items():
        a, b = best(ours[network]), best(timings)
        rows.append({"network": network, "rounds": len(timings), "ours_cpu_median_s": a["cpu_median_s"],
                     **{"pytorch_eager_" + key: b[key] for key in TIMES},
                     "theirs_over_ours_cpu": b["cpu_median_s"] / a["cpu_median_s"],
                     "theirs_over_ours_wall": b["wall_median_s"] / a["wall_median_s"],
                     "max_difference": max(t["max_difference"] for t in timings), "max_change": b["max_change"]})
        if not rows[-1]["max_difference"] <= PREDICTION_TOLERANCE:
            sys.exit(f"bench: error: {network}: nowcasts differ by {rows[-1]['max_difference']}, expected at most "
                     f"{PREDICTION_TOLERANCE}")
    return table_of(rows)


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
        document = runner.ours("nowcast,training,graph", ["--export", folder])
        warmup = document["config"]["warmup-steps"]
        document["tables"]["peers_training"] = compare_training(runner, str(warmup))
        document["tables"]["peers_nowcast"] = compare_nowcasts(runner)
    text = json.dumps(document)
    if options.json == "-":
        print(text)
    else:
        with open(options.json, "w") as file:
            print(text, file=file)


if __name__ == "__main__":
    main()
