"""`scripts/bench poyo-decode --peers`: ours and theirs in turn, from the same numbers, into one JSON document.

Fails where outputs without dropout differ by more than 1e-4 of the largest, or the loss or the norm of its gradient
(relative) by more than 1e-4. The times compared are the least of all rounds: other users of the machine only ever add
to a time. Our training step ends with SparseLamb, theirs with the gradient.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
TOLERANCE = 1e-4
TIMES = ("cpu_min_s", "cpu_median_s", "wall_min_s", "wall_median_s")
DIFFERENCES = ("output_difference", "loss_difference", "gradient_norm_difference")


class Runner:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.processors = sorted(os.sched_getaffinity(0))[:options.threads]

    def call(self, label, command):
        """The JSON document that `command` prints, run on as many processors as it has threads."""
        print(f"bench: {label}", file=sys.stderr, flush=True)
        count = str(self.options.threads)
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False,
                              env={**os.environ, "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count},
                              preexec_fn=lambda: os.sched_setaffinity(0, self.processors))
        if done.returncode != 0:
            sys.exit(f"bench: error: {label} ended with {done.returncode}")
        return json.loads(done.stdout)

    def ours(self, label, *arguments):
        return self.call(f"ours, {label}", [self.options.binary, "bench", "--threads", str(self.options.threads),
                                            *arguments])

    def theirs(self, model, *arguments):
        return self.call(f"pytorch eager, {model}",
                         [self.options.python, os.path.join(FOLDER, "poyo_decode_torch.py"), "--model", model,
                          "--folder", self.folder, "--threads", str(self.options.threads), *arguments])


def options_of(config, names):
    """Options of the first call, for the later ones."""
    return [text for name in names for text in ("--" + name, str(config[name]))]


def timings_of(document):
    table = document["tables"]["models"]
    rows = [dict(zip(table["columns"], row)) for row in table["rows"]]
    return {row["direction"]: {key: row[key] for key in TIMES} for row in rows}


def compare(runner, config, model):
    repeat = options_of(config, ("runs", "warmup", "min-seconds"))
    rounds = {"ours": [], "pytorch eager": []}
    for _ in range(runner.options.rounds):
        document = runner.ours(model, "--cases", "model", "--models", model, "--seed", str(config["seed"][0]), *repeat)
        rounds["ours"].append(timings_of(document))
        ours_version = document["version"]
        document = runner.theirs(model, *repeat)
        rounds["pytorch eager"].append(document["timings"])
        for name in DIFFERENCES:
            if not document[name] <= TOLERANCE:
                sys.exit(f"bench: error: pytorch eager, {model}: {name} {document[name]}, expected at most {TOLERANCE}")
    rows = []
    for direction in ("forward", "step"):
        least = {name: {key: min(r[direction][key] for r in all_rounds) for key in TIMES}
                 for name, all_rounds in rounds.items()}
        for name, row in least.items():
            theirs = name != "ours"
            rows.append({"model": model, "direction": direction, "program": name,
                         "version": document["version"] if theirs else ours_version,
                         "rounds": len(rounds[name]), **row,
                         "cpu_min_s_of_rounds": [r[direction]["cpu_min_s"] for r in rounds[name]],
                         "theirs_over_ours_cpu": row["cpu_min_s"] / least["ours"]["cpu_min_s"],
                         "theirs_over_ours_wall": row["wall_min_s"] / least["ours"]["wall_min_s"],
                         **{key: document[key] if theirs else None for key in DIFFERENCES}})
            print(f"bench: {model} {direction}, {name}: {1e3 * row['cpu_min_s']:.1f} ms CPU at least, "
                  f"{rows[-1]['theirs_over_ours_cpu']:.2f} times ours", file=sys.stderr, flush=True)
    return rows


def table_of(rows):
    columns = list(rows[0])
    return {"columns": columns, "rows": [[row[column] for column in columns] for row in rows]}


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
        config = document["config"]
        if "model" in config["cases"]:
            document["tables"]["peers"] = table_of([row for model in config["models"]
                                                    for row in compare(runner, config, model)])
    text = json.dumps(document)
    if options.json == "-":
        print(text)
    else:
        with open(options.json, "w") as file:
            print(text, file=file)


if __name__ == "__main__":
    main()
