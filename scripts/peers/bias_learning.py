"""`scripts/bench bias-learning --peers`: ours and theirs in turn, from the same numbers, into one JSON document.

An epoch of images whose pre-activations are kept (4,000 units) by one vector of biases and by 32 that share them, and iterations of
recurrent networks that follow van der Pol by their biases (100 units, 200 steps), one and 32 side by side: by PyTorch, autograd and
its Adam, and by JAX (lax.scan under jit, vmap over vectors or networks). Fails where the losses of all steps differ by more than
1e-3 (relative).
"""

import sys

import driver

TOLERANCE = 1e-3
PROGRAMS = {"pytorch": "bias_learning_torch.py", "jax": "bias_learning_jax.py"}
SIZES = ("units", "images", "batch", "hidden", "steps", "iterations")


def compare(runner, first, case, of, models):
    config = first["config"]
    repeat = driver.options_of(config, ("runs", "warmup", "min-seconds"))
    sizes = driver.options_of(config, SIZES)
    rounds = {name: [] for name in ("ours", *PROGRAMS)}
    found = {}
    for _ in range(runner.options.rounds):
        for name, timings in rounds.items():
            if name == "ours":
                document = runner.ours(case, "--cases", case, "--models", str(models), "--vectors", str(models), *sizes, *repeat)
                timings.append(driver.rows_of(document, "cases")[0])
            else:
                document = runner.theirs(f"{name}, {case}", PROGRAMS[name], "--of", of, "--models", str(models), "--batch",
                                         str(config["batch"]), *repeat)
                timings.append(document["timing"])
                if not document["loss_difference"] <= TOLERANCE:
                    sys.exit(f"bench: error: {name}, {case}: losses differ by {document['loss_difference']}, expected at most "
                             f"{TOLERANCE}")
            found[name] = document
    count = models * config["images" if of == "images" else "iterations"]
    ours, rows = driver.least(rounds["ours"]), []
    for name, timings in rounds.items():
        row = driver.least(timings)
        rows.append({"program": name, "version": found[name]["version"], "case": case, "models": models, "rounds": len(timings), **row,
                     "per_cpu_s": count / row["cpu_min_s"], "theirs_over_ours_cpu": row["cpu_min_s"] / ours["cpu_min_s"],
                     "theirs_over_ours_wall": row["wall_min_s"] / ours["wall_min_s"],
                     "loss_difference": found[name].get("loss_difference")})
        print(f"bench: {case}, {name}: {rows[-1]['per_cpu_s']:.0f} a CPU second, "
              f"{rows[-1]['theirs_over_ours_cpu']:.1f} times our time", file=sys.stderr, flush=True)
    return rows


def both(runner):
    document = runner.ours("all", *runner.options.rest, "--export", runner.folder)
    config, rows = document["config"], []
    if config["images"] % config["batch"] != 0:
        sys.exit(f"bench: error: --images: found {config['images']}, expected a multiple of --batch {config['batch']}")
    for case, of, models in (("images", "images", 1), ("images-batched", "images", config["vectors"]), ("single", "networks", 1),
                             ("batched", "networks", config["models"])):
        if case in config["cases"]:
            rows += compare(runner, document, case, of, models)
    if rows:
        document["tables"]["peers"] = driver.table_of(rows)
    return document


if __name__ == "__main__":
    driver.main(__doc__, both)
