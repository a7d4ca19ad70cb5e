"""`scripts/bench poyo-decode --peers`: ours and theirs in turn, from the same numbers, into one JSON document.

Fails where outputs without dropout differ by more than 1e-4 of the largest, or the loss or the norm of its gradient
(relative) by more than 1e-4. The times compared are the least of all rounds: other users of the machine only ever add
to a time. Our training step ends with SparseLamb, theirs with the gradient.
"""

import sys

import driver

TOLERANCE = 1e-4
DIFFERENCES = ("output_difference", "loss_difference", "gradient_norm_difference")


def timings_of(document):
    return {row["direction"]: {key: row[key] for key in driver.TIMES} for row in driver.rows_of(document, "models")}


def compare(runner, config, model):
    repeat = driver.options_of(config, ("runs", "warmup", "min-seconds"))
    rounds = {"ours": [], "pytorch eager": []}
    for _ in range(runner.options.rounds):
        document = runner.ours(model, "--cases", "model", "--models", model, "--seed", str(config["seed"][0]), *repeat)
        rounds["ours"].append(timings_of(document))
        ours_version = document["version"]
        document = runner.theirs(f"pytorch eager, {model}", "poyo_decode_torch.py", "--model", model, *repeat)
        rounds["pytorch eager"].append(document["timings"])
        for name in DIFFERENCES:
            if not document[name] <= TOLERANCE:
                sys.exit(f"bench: error: pytorch eager, {model}: {name} {document[name]}, expected at most {TOLERANCE}")
    rows = []
    for direction in ("forward", "step"):
        least = {name: driver.least([r[direction] for r in all_rounds]) for name, all_rounds in rounds.items()}
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


def both(runner):
    document = runner.ours("all", *runner.options.rest, "--export", runner.folder)
    config = document["config"]
    if "model" in config["cases"]:
        document["tables"]["peers"] = driver.table_of([row for model in config["models"]
                                                       for row in compare(runner, config, model)])
    return document


if __name__ == "__main__":
    driver.main(__doc__, both)
