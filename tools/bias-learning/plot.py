"""Draws a result.json of bias-learning: accuracies and clusters of train-fnn, trajectories and eigenvalues of train-rnn, errors
of check-theory."""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/plot"))
from result_files import picture_path, read_result, run, save  # noqa: E402


def numbers(values):
    return [float("nan") if v is None else v for v in values]


def draw_accuracies(axis, result):
    found = [(k.rsplit("/", 1)[0], m["value"]) for k, m in result["metrics"].items() if k.endswith("/test_accuracy")]
    axis.barh([name for name, _ in found], numbers(v for _, v in found), color="#0072B2")
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
    for name, series in result["series"].items():
        if name.startswith("loss/"):
            axis.plot(series["columns"]["epoch"], numbers(series["columns"]["loss"]), label=name[5:], lw=1)
    axis.set_xlabel("epoch")
    axis.set_ylabel("training loss")
    axis.legend(fontsize=6)


def draw_trajectories(axis, result):
    columns = result["series"]["trajectories"]["columns"]
    axis.plot(columns["t"], columns["target"], color="black", lw=2, label="target")
    for name, values in columns.items():
        if name.startswith("output/"):
            axis.plot(columns["t"], numbers(values), lw=0.9, label=f"gain/seed {name[7:]}")
    axis.set_xlabel("step")
    axis.legend(fontsize=6)


def draw_gains(axis, result):
    for name, metric in result["metrics"].items():
        if name.startswith("mse/"):
            values = [v for v in metric.get("per_seed", []) if v is not None]
            axis.semilogy([float(name.split("/")[2])] * len(values), values, "o", color="#D55E00")
    axis.set_xlabel("gain g")
    axis.set_ylabel("mean squared error")


def draw_eigenvalues(axis, result):
    for name, series in result["series"].items():
        if name.startswith("eigenvalues/"):
            columns = series["columns"]
            for after, marker in ((0, "."), (1, "x")):
                chosen = [i for i, v in enumerate(columns["after"]) if v == after]
                axis.plot([columns["re"][i] for i in chosen], [columns["im"][i] for i in chosen], marker, ms=4,
                          label=f"g {name.split('/')[1]}, {'trained' if after else 'before'}")
    axis.set_aspect("equal")
    axis.set_xlabel("real part of the Jacobian's eigenvalues")
    axis.legend(fontsize=6)


def draw_theory(axis, result):
    found = [(float(k.split("/")[2]), m) for k, m in result["metrics"].items()]
    axis.errorbar([x for x, _ in found], [m["value"] for _, m in found], yerr=[m.get("stderr") or 0 for _, m in found],
                  marker="o")
    axis.set_xscale("log")
    if all(m["value"] > 0 for _, m in found):
        axis.set_yscale("log")
    axis.set_xlabel("width")
    axis.set_ylabel("largest error, mean over seeds")


def panels_of(result):
    if result["subcommand"] == "check-theory":
        return [draw_theory]
    if result["subcommand"] == "train-rnn":
        return [draw_trajectories, draw_gains, draw_eigenvalues]
    return [draw_accuracies, draw_losses] + ([draw_clusters] if "unit_variance" in result.get("series", {}) else [])


def draw(result, title, width, out):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    panels = panels_of(result)
    figure, axes = plt.subplots(1, len(panels), figsize=(width, 5), constrained_layout=True, squeeze=False)
    for axis, panel in zip(axes[0], panels):
        panel(axis, result)
    figure.suptitle(title or f"bias-learning {result['subcommand']}" + (" (partial)" if result["status"] == "partial" else ""))
    save(figure, out, 110)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs=1, metavar="RESULT.json", help="a result file, or - for stdin")
    parser.add_argument("--out", help="FILE.png or .svg; beside the input by default")
    parser.add_argument("--title")
    parser.add_argument("--width", type=float, default=14, help="inches")

    def body(options):
        out = picture_path(options.out, options.results, "bias-learning")
        draw(read_result(options.results[0], "bias-learning", ("train-fnn", "train-rnn", "check-theory")), options.title,
             options.width, out)
    run(parser, body)


if __name__ == "__main__":
    main()
