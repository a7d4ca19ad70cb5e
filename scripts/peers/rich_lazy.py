"""`scripts/bench rich-lazy --peers`: ours and theirs in turn, from the same numbers, into one JSON document.

Training iterations of 2AF at 100 units (others by --task and --hidden): one network and 32 side by side, by PyTorch composed as
a loop over time with autograd and its SGD, and by JAX (lax.scan under jit, vmap over networks). Ours draws its trials, theirs
get them ready-made. Fails where the losses of all iterations differ by more than 1e-3 (relative).
"""

import sys

import driver

TOLERANCE = 1e-3
PROGRAMS = {"pytorch": "rich_lazy_torch.py", "jax": "rich_lazy_jax.py"}


def compare(runner, first, case, models):
    config = first["config"]
    repeat = driver.options_of(config, ("runs", "warmup", "min-seconds"))
    sizes = ["--task", config["task"][0], "--hidden", str(config["hidden"][0]), "--iterations", str(config["iterations"])]
    rounds = {name: [] for name in ("ours", *PROGRAMS)}
    found = {}
    for _ in range(runner.options.rounds):
        for name, timings in rounds.items():
            if name == "ours":
                document = runner.ours(case, "--cases", case, "--models", str(models), *sizes, *repeat)
                timings.append(driver.rows_of(document, "iterations")[0])
            else:
                document = runner.theirs(f"{name}, {case}", PROGRAMS[name], "--models", str(models), *repeat)
                timings.append(document["timing"])
                if not document["loss_difference"] <= TOLERANCE:
                    sys.exit(f"bench: error: {name}, {case}: losses differ by {document['loss_difference']}, expected at most "
                             f"{TOLERANCE}")
            found[name] = document
    ours, rows = driver.least(rounds["ours"]), []
    for name, timings in rounds.items():
        row = driver.least(timings)
        rows.append({"program": name, "version": found[name]["version"], "case": case, "models": models, "rounds": len(timings), **row,
                     "iterations_per_cpu_s": config["iterations"] * models / row["cpu_min_s"],
                     "theirs_over_ours_cpu": row["cpu_min_s"] / ours["cpu_min_s"],
                     "theirs_over_ours_wall": row["wall_min_s"] / ours["wall_min_s"],
                     "loss_difference": found[name].get("loss_difference")})
        print(f"bench: {case}, {name}: {rows[-1]['iterations_per_cpu_s']:.0f} iterations a CPU second, "
              f"{rows[-1]['theirs_over_ours_cpu']:.1f} times our time", file=sys.stderr, flush=True)
    return rows


def both(runner):
    document = runner.ours("all", *runner.options.rest, "--export", runner.folder)
    cases = document["config"]["cases"]
    rows = compare(runner, document, "single", 1) if "single" in cases else []
    if "batched" in cases:
        rows += compare(runner, document, "batched", document["config"]["models"])
    if rows:
        document["tables"]["peers"] = driver.table_of(rows)
    return document


if __name__ == "__main__":
    driver.main(__doc__, both)
