"""`scripts/bench samba-align --peers`: ours and theirs in turn, from the same numbers, into one JSON document.

A training step of the released code's model, by PyTorch composed as that code is (a convolution and a network a
parcel, loops over windows and frames) at a batch of 2, and as a good programmer would write it (Fourier transforms,
batched products, one call of the LSTM) at both batches. Fails where outputs without dropout differ by more than 1e-3
of the largest, the loss by more than 1e-4 or the norm of its gradient by more than 1e-2 (relative).
"""

import sys

import driver

TOLERANCES = {"output_difference": 1e-3, "loss_difference": 1e-4, "gradient_norm_difference": 1e-2}
NAMES = {"released": "pytorch as the released code", "good": "pytorch, batched, with fft"}


def step_of(document, batch):
    return next(row for row in driver.rows_of(document, "steps")
                if row["convolution"] == "reference" and row["batch"] == batch)


def our_convolution(document, batch):
    """CPU seconds, forward and backward, of as many windows; None where it was not timed."""
    if "convolution" not in document["tables"]:
        return None
    rows = [row for row in driver.rows_of(document, "convolution") if row["program"] == "fourier"]
    return sum(row["cpu_min_s"] * batch / row["windows"] for row in rows)


def compare(runner, first, batch, programs):
    config = first["config"]
    repeat = driver.options_of(config, ("runs", "warmup", "min-seconds"))
    size = ["--small"] if config["small"] else []
    rounds = {name: [] for name in ("ours", *programs)}
    found, versions = {}, {}
    for turn in range(runner.options.rounds):
        for name, timings in rounds.items():
            if name == "ours":
                document = runner.ours(f"batch {batch}", "--cases", "step", "--peer-batch", str(batch), "--seed",
                                       str(config["seed"][0]), *size, *repeat)
                timings.append(step_of(document, batch))
            elif name == "released" and turn > 0 and not config["small"]:
                continue  # takes minutes, and is no close race
            else:
                # One timed step of the slow one.
                once = ["--runs", "1", "--warmup", "0", "--min-seconds", "0"]
                document = runner.theirs(f"{NAMES[name]}, batch {batch}", "samba_align_torch.py", "--program", name,
                                         "--batch", str(batch), *(once if name == "released" else repeat))
                timings.append(document["timing"])
                found[name] = document
                for key, tolerance in TOLERANCES.items():
                    if not document[key] <= tolerance:
                        sys.exit(f"bench: error: {NAMES[name]}, batch {batch}: {key} {document[key]}, expected at most "
                                 f"{tolerance}")
            versions[name] = document["version"]
    ours, rows = driver.least(rounds["ours"]), []
    for name, timings in rounds.items():
        label, row = NAMES.get(name, name), driver.least(timings)
        rows.append({"program": label, "batch": batch, "version": versions[name], "rounds": len(timings), **row,
                     "cpu_min_s_of_rounds": [t["cpu_min_s"] for t in timings],
                     "theirs_over_ours_cpu": row["cpu_min_s"] / ours["cpu_min_s"],
                     "theirs_over_ours_wall": row["wall_min_s"] / ours["wall_min_s"],
                     "convolution_cpu_s": found[name]["convolution"]["cpu_min_s"] if name in found
                     else our_convolution(first, batch),
                     "peak_rss_mib": found[name]["peak_rss_mib"] if name in found else timings[0]["peak_rss_mib"],
                     **{key: found[name][key] if name in found else None for key in TOLERANCES}})
        print(f"bench: batch {batch}, {label}: {row['cpu_min_s']:.2f} s CPU at least, "
              f"{rows[-1]['theirs_over_ours_cpu']:.1f} times ours", file=sys.stderr, flush=True)
    return rows


def both(runner):
    document = runner.ours("all", *runner.options.rest, "--export", runner.folder)
    config = document["config"]
    if "step" in config["cases"]:
        few = config["peer-batch"]
        batches = {row["batch"] for row in driver.rows_of(document, "steps")}
        rows = compare(runner, document, few, ("released", "good"))
        for batch in sorted(batches - {few}):
            rows += compare(runner, document, batch, ("good",))
        document["tables"]["peers"] = driver.table_of(rows)
    return document


if __name__ == "__main__":
    driver.main(__doc__, both)
