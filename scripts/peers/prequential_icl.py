"""`scripts/bench prequential-icl --peers`: ours and theirs in turn, from the same numbers, into one JSON document.

Fails where losses differ (relative) by more than 1e-4 at step 1 or 1e-3 at step 20, or the test losses of the SGD
learner's fits by more than 1e-3. The times compared are the least of all rounds: other users of the machine only ever
add to a time.
"""

import sys

import driver

LOSS_TOLERANCES = {1: 1e-4, 20: 1e-3}  # by step
FIT_TOLERANCE = 1e-3

# torch.compile unrolls a loop over time, a thousand steps of it into a graph that never ends.
PEERS = {"transformer": ("torch", "torch-compile", "jax"), "two-stream": ("torch", "torch-compile"),
         "mamba1": ("torch", "jax"), "mamba2": ("torch",)}
NAMES = {"torch": "pytorch eager", "torch-compile": "pytorch compile", "jax": "jax jit"}


def theirs(runner, program, *arguments):
    file, _, compiled = program.partition("-")
    return runner.theirs(f"{NAMES[program]} {' '.join(arguments[:5])}", f"prequential_icl_{file}.py", *arguments,
                         *(["--compile"] if compiled else []))


def check(label, found, wanted, tolerance):
    difference = abs(found / wanted - 1)
    if not difference <= tolerance:
        sys.exit(f"bench: error: {label}: loss {found}, expected {wanted} to {tolerance}")
    return difference


def compare_steps(runner, config, model, shape):
    mine = ["--cases", "step", "--models", model, "--shapes", shape, "--seed", str(config["seed"][0]),
            *driver.options_of(config, ("steps", "warmup-steps", "min-seconds"))]
    other = ["step", "--model", model, "--shape", shape, "--runs", str(config["steps"]), "--warmup",
             str(config["warmup-steps"]), *driver.options_of(config, ("min-seconds",))]
    rounds = {name: [] for name in ("ours", *PEERS[model])}
    losses, versions = {}, {}
    for _ in range(runner.options.rounds):
        for name, timings in rounds.items():
            if name == "ours":
                document = runner.ours(f"{model} {shape}", *mine)
                timings.append(driver.rows_of(document, "steps")[0])
                losses[name] = document["series"][f"loss/{model}/{shape}"]["columns"]["loss"]
            else:
                document = theirs(runner, name, *other)
                timings.append(document["timing"])
                losses[name] = document["losses"]
            versions[name] = document["version"]
    ours, rows = driver.least(rounds["ours"]), []
    for name, timings in rounds.items():
        label, row = NAMES.get(name, name), driver.least(timings)
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
    ours, peer = [], []
    for _ in range(runner.options.rounds):
        document = runner.ours("SGD", "--cases", "sgd", "--seed", str(config["seed"][0]),
                               *driver.options_of(config, ("runs", "min-seconds")))
        row = driver.rows_of(document, "sgd")[0]
        ours.append({key: row[key] / row["fits"] for key in driver.TIMES})
        mine = document["series"]["sgd"]["columns"]["loss_test"]
        document = theirs(runner, "torch", "sgd")
        peer.append(document["timing"])
        difference = max(check(f"pytorch eager, fit {i}", loss, mine[i], FIT_TOLERANCE)
                         for i, loss in enumerate(document["losses"]))
    a, b = driver.least(ours), driver.least(peer)
    return [{"program": name, "rounds": runner.options.rounds,
             **{key.replace("_s", "_s_a_fit"): t[key] for key in driver.TIMES},
             "fits_per_cpu_s": 1 / t["cpu_min_s"], "theirs_over_ours_cpu": t["cpu_min_s"] / a["cpu_min_s"],
             "theirs_over_ours_wall": t["wall_min_s"] / a["wall_min_s"], "fits_compared": len(document["losses"]),
             "max_relative_difference": difference}
            for name, t in (("ours", a), ("pytorch eager, one by one", b))]


def both(runner):
    document = runner.ours("all", *runner.options.rest, "--export", runner.folder)
    config, tables = document["config"], document["tables"]
    if "step" in config["cases"]:
        tables["peers_step"] = driver.table_of([row for shape in config["shapes"] for model in config["models"]
                                                for row in compare_steps(runner, config, model, shape)])
    if "sgd" in config["cases"]:
        tables["peers_sgd"] = driver.table_of(compare_sgd(runner, config))
    return document


if __name__ == "__main__":
    driver.main(__doc__, both)
