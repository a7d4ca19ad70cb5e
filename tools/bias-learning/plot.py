"""Draws a result.json of bias-learning: accuracies and clusters of train-fnn, trajectories and eigenvalues of train-rnn, errors
of check-theory."""

import argparse
import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/plot"))
from result_files import BAD_DATA, PlotError, picture_path, read_result, run, save  # noqa: E402


def numbers(values):
    return [float("nan") if v is None else v for v in values]


def draw_accuracies(axis, result):
    found = [(k.rsplit("/", 1)[0], m) for k, m in result["metrics"].items() if k.endswith("/test_accuracy")]
    axis.barh([name for name, _ in found], numbers(m["value"] for _, m in found), color="#0072B2")
    for row, (_, metric) in enumerate(found):
        seeds = numbers(metric.get("per_seed") or [])
        if len(seeds) > 1:
            axis.plot(seeds, [row] * len(seeds), "o", ms=3, color="black")
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.set_xlabel("test accuracy")


def draw_clusters(axis, result):
    columns = result["series"]["unit_variance"]["columns"]
    tasks = [name for name in columns if name not in ("unit", "cluster")]
    order = sorted(range(len(columns["unit"])), key=lambda i: (columns["cluster"][i], columns["unit"][i]))
    image = axis.imshow([[columns[t][i] for t in tasks] for i in order], aspect="auto", cmap="viridis", vmin=0, vmax=1,
                        interpolation="nearest")
    axis.set_xticks(range(len(tasks)), tasks, rotation=45, ha="right")
    axis.set_ylabel("units, by cluster")
    for i in range(1, len(order)):
        if columns["cluster"][order[i]] != columns["cluster"][order[i - 1]]:
            axis.axhline(i - 0.5, color="white", lw=0.8)
    axis.figure.colorbar(image, ax=axis, label="task variance, by the unit's largest")


def draw_losses(axis, result):
    """A colour and a kind of line for each task and method, seeds alike."""
    styles = {}
    for name, series in result["series"].items():
        if name.startswith("loss/"):
            kind = name[5:].rsplit("/", 1)[0]
            label = None if kind in styles else kind
            at = styles.setdefault(kind, len(styles))
            axis.plot(series["columns"]["epoch"], numbers(series["columns"]["loss"]), lw=1, label=label, color=PALETTE[at % len(PALETTE)],
                      ls=("-", "--", ":", "-.")[at // len(PALETTE) % 4], marker="o" if len(series["columns"]["epoch"]) == 1 else None)
    axis.set_xlabel("epoch")
    axis.set_ylabel("training loss")
    axis.legend(fontsize=6, ncols=1 + len(styles) // 16)


PALETTE = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#F0E442")


def coloured(names):
    """Columns NAME/GAIN/SEED, or NAME/GAIN, with a colour for each gain, and a label for its first."""
    seen = {}
    for name in names:
        gain = name.split("/")[1]
        label = None if gain in seen else f"gain {gain}"
        yield name, seen.setdefault(gain, PALETTE[len(seen) % len(PALETTE)]), label


def draw_trajectories(axis, result):
    columns = result["series"]["trajectories"]["columns"]
    if "x_0" in {name.split("/")[0] for name in columns}:
        return draw_reaches(axis, columns)
    for name, values in columns.items():
        if name.startswith("target"):
            axis.plot(columns["t"], numbers(values), color="black", lw=2, label=name.replace("_", " "))
    outputs = [name for name in columns if name.startswith("output")]
    for name, colour, label in coloured(outputs):
        axis.plot(columns["t"], numbers(columns[name]), lw=0.9, color=colour, label=label)
    if "self_sustained" in result["series"]:
        axis.axvline(len(columns["t"]) - len(result["series"]["self_sustained"]["columns"]["step"]) + 0.5, color="grey", ls=":",
                     label="from here on its own forecasts")
    axis.set_xlabel("step")
    axis.legend(fontsize=6)


def draw_reaches(axis, columns):
    for name, colour, label in coloured([name for name in columns if name.startswith("x_")]):
        x, y = numbers(columns[name]), numbers(columns["y" + name[1:]])
        axis.plot(x, y, lw=0.8, color=colour, label=label)
        axis.plot(x[-1], y[-1], "o", ms=3, color=colour)
    turn = [6.283185307 * i / 200 for i in range(201)]
    axis.plot([math.cos(a) for a in turn], [math.sin(a) for a in turn], color="black", lw=0.8, ls=":")
    axis.set_aspect("equal")
    axis.set_title("reaches to held-out targets", fontsize=9)
    axis.legend(fontsize=6)


KINDS = {"bias": "biases", "full": "everything"}


def kind_of(result):
    return KINDS[result["tables"]["rnn"]["rows"][0][3]]


def draw_sustained(axis, results):
    for result, style in zip(results, ("-", "--", ":", "-.")):
        columns = result["series"]["self_sustained"]["columns"]
        for name, colour, label in coloured([name for name in columns if name != "step"]):
            axis.plot(columns["step"], numbers(columns[name]), style, lw=0.9, color=colour,
                      label=label and f"{kind_of(result)}, {label}")
    axis.axhline(results[0]["data"]["target_variance"], color="black", ls=":", label="the signal's variance")
    axis.set_xlabel("steps on its own forecasts")
    axis.set_ylabel("mean squared error")
    axis.legend(fontsize=6)


def draw_distances(axis, results):
    names = []
    for result in results:
        for name, metric in result["metrics"].items():
            if name.startswith("distance_"):
                which, train, gain = name[9:].split("/")
                axis.plot([len(names)] * len(metric["per_seed"]), numbers(metric["per_seed"]), "o", color="#0072B2")
                names.append(f"{KINDS[train]}, gain {gain},\n{which.replace('_', ' ')} angles")
    axis.set_xticks(range(len(names)), names, rotation=30, ha="right", fontsize=7)
    axis.set_ylim(bottom=0)
    axis.set_ylabel("distance to the target at the end")


# Bias learning and full training of several results beside each other.
def draw_gains(axis, results):
    for train, colour in (("bias", "#D55E00"), ("full", "#0072B2")):
        points = [(float(name.split("/")[2]), v) for result in results for name, metric in result["metrics"].items()
                  if name.startswith(f"mse/{train}/") for v in metric.get("per_seed", []) if v is not None]
        if points:
            axis.semilogy(*zip(*points), "o", color=colour, label=KINDS[train])
    axis.set_xlabel("gain g")
    axis.set_ylabel("loss after training" if results[0]["data"]["name"] == "reach" else "mean squared error")
    axis.legend(fontsize=7)


def draw_parameters(axis, results):
    for train, colour in (("bias", "#D55E00"), ("full", "#0072B2")):
        points = [(result["model"]["trained_params"], metric["value"]) for result in results
                  for name, metric in result["metrics"].items() if name.startswith(f"mse/{train}/") and metric["value"] is not None]
        if points:
            axis.loglog(*zip(*sorted(points)), "o-", color=colour, label=KINDS[train])
    axis.set_xlabel("trained parameters")
    axis.set_ylabel("mean squared error")
    axis.legend(fontsize=7)


def draw_eigenvalues(axis, result):
    for name, colour, label in coloured([name for name in result["series"] if name.startswith("eigenvalues/")]):
        columns = result["series"][name]["columns"]
        for after, style in ((0, {"marker": "o", "mfc": "none", "alpha": 0.5}), (1, {"marker": "x"})):
            chosen = [i for i, v in enumerate(columns["after"]) if v == after]
            axis.plot([columns["re"][i] for i in chosen], [columns["im"][i] for i in chosen], ls="", ms=4, color=colour,
                      label=f"{label}, {'trained' if after else 'before'}", **style)
    axis.set_aspect("equal")
    axis.set_xlabel("real part")
    axis.set_ylabel("imaginary part")
    axis.set_title("eigenvalues of the Jacobian", fontsize=9)
    axis.legend(fontsize=6)


def draw_theory(axis, result):
    found = [(float(k.split("/")[2]), m) for k, m in result["metrics"].items()]
    axis.errorbar([x for x, _ in found], [m["value"] for _, m in found], yerr=[m.get("stderr") or 0 for _, m in found],
                  marker="o")
    band = [row for row in result["tables"].get("quantiles", {}).get("rows", []) if row[5] is not None and row[5] > 0]
    if band:
        axis.fill_between([row[1] or row[2] for row in band], [row[5] for row in band], [row[6] for row in band], alpha=0.2,
                          label="5 to 95 % of the seeds")
        axis.legend(fontsize=7)
    axis.set_xscale("log")
    if all(m["value"] > 0 for _, m in found):
        axis.set_yscale("log")
    axis.set_xlabel("width")
    axis.set_ylabel("largest error, mean over seeds")


def recurrent_panels(results):
    def everywhere(found):
        return all(found(result) for result in results)

    single = []
    if len(results) == 1:
        single = [draw_trajectories] if "trajectories" in results[0]["series"] else []
        single += [draw_eigenvalues] if any(name.startswith("eigenvalues/") for name in results[0]["series"]) else []
    panels = [lambda axis, draw=draw: draw(axis, results[0]) for draw in single]
    if everywhere(lambda result: "self_sustained" in result["series"]):
        panels.append(lambda axis: draw_sustained(axis, results))
    if everywhere(lambda result: result["data"]["name"] == "reach"):
        panels.append(lambda axis: draw_distances(axis, results))
    if len({row[1] for result in results for row in result["tables"]["rnn"]["rows"]}) > 1:
        panels.append(lambda axis: draw_gains(axis, results))
    one_gain = len({row[1] for result in results for row in result["tables"]["rnn"]["rows"]}) == 1
    if len({result["model"]["trained_params"] for result in results}) > 2 and one_gain or not panels:
        panels.append(lambda axis: draw_parameters(axis, results))
    return panels


def panels_of(results):
    if "rnn" in results[0].get("tables", {}):
        return recurrent_panels(results)
    result = results[0]
    drawings = feedforward_drawings(result)
    return [lambda axis, draw=draw: draw(axis, result) for draw in drawings]


def swept(result):
    return next((result["series"][name] for name in ("widths", "ranges") if name in result.get("series", {})), None)


def draw_sweep(axis, result):
    series = swept(result)
    columns = series["columns"]
    for name, values in columns.items():
        if "/" in name and not name.startswith("trained_params/"):
            at = len(axis.lines)
            axis.plot(columns[series["x"]], numbers(values), ("o-", "s--", "^:", "v-.")[at // len(PALETTE) % 4], ms=4, lw=1, label=name,
                      color=PALETTE[at % len(PALETTE)])
    axis.set_xscale("log")
    axis.set_xlabel("hidden units" if series["x"] == "hidden" else "bound of the random weights")
    axis.set_ylabel("test accuracy")
    axis.legend(fontsize=7)


def draw_trained_parameters(axis, result):
    columns = swept(result)["columns"]
    for name, values in columns.items():
        trained = columns.get(f"trained_params/{name.split('/')[-1]}")
        points = sorted((p, 1 - v) for p, v in zip(trained or [], values) if p and v is not None)
        if points and not name.startswith("trained_params/"):
            axis.loglog(*zip(*points), "o-", ms=4, lw=1, label=name)
    axis.set_xlabel("trained parameters")
    axis.set_ylabel("test error")
    axis.legend(fontsize=7)


def draw_solved(axis, result):
    kinds = {"train_accuracy": "linearised, training", "test_accuracy": "linearised, test", "network_accuracy": "in the network itself, test"}
    found = [(f"{name.split('/')[0]}: {kinds[name.split('/')[2]]}", m["value"]) for name, m in result["metrics"].items()
             if name.split("/")[-1] in kinds]
    axis.barh([name for name, _ in found], numbers(v for _, v in found), color="#0072B2")
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.set_xlabel("accuracy of biases solved for")


def feedforward_drawings(result):
    if result["subcommand"] == "check-theory":
        return [draw_theory]
    if not any(name.endswith("_accuracy") for name in result["metrics"]):
        raise PlotError(BAD_DATA, "found no accuracies, expected a run that trained something")
    if result["config"].get("solver") == "ntk":
        return [draw_solved]
    if swept(result):
        return [draw_sweep] + ([draw_trained_parameters] if "widths" in result["series"] else [])
    series = result.get("series", {})
    return [draw_accuracies] + [draw for draw, name in ((draw_losses, "loss/"), (draw_clusters, "unit_variance"))
                                if any(key.startswith(name) for key in series)]


def draw(results, title, width, out):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    panels = panels_of(results)
    result = results[0]
    figure, axes = plt.subplots(1, len(panels), figsize=(min(width, 6 * len(panels)), 5), constrained_layout=True, squeeze=False)
    for axis, panel in zip(axes[0], panels):
        panel(axis)
    system = f", {result['data']['name']}" if "rnn" in result.get("tables", {}) else ""
    figure.suptitle(title or f"bias-learning {result['subcommand']}{system}" + (" (partial)" if result["status"] == "partial" else ""))
    save(figure, out, 110)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", metavar="RESULT.json",
                        help="a result file, or - for stdin; several of train-rnn are compared")
    parser.add_argument("--out", help="FILE.png or .svg; beside the input by default")
    parser.add_argument("--title")
    parser.add_argument("--width", type=float, default=14, help="inches")

    def body(options):
        out = picture_path(options.out, options.results, "bias-learning")
        kinds = ("train-fnn", "train-rnn", "check-theory", "eval")
        results = [read_result(path, "bias-learning", kinds) for path in options.results]
        systems = {result["data"]["name"] if "rnn" in result.get("tables", {}) else None for result in results}
        if len(results) > 1 and (None in systems or len(systems) > 1):
            raise PlotError(BAD_DATA, "several results: expected all of train-rnn and of one system")
        draw(results, options.title, options.width, out)
    run(parser, body)


if __name__ == "__main__":
    main()
