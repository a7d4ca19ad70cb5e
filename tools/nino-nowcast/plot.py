"""Draws result.json files of `nino-nowcast train`: curves with nowcast marks, and steps to target."""

import argparse
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/plot"))
from result_files import BAD_DATA, PlotError, USAGE, picture_path, read_result, run, save  # noqa: E402

COLOURS = {"none": "#555555", "nino": "#D55E00", "wnn+": "#0072B2", "wnn": "#56B4E9", "linefit": "#009E73",
           "lawa": "#CC79A7"}
LABELS = {"none": "no nowcast", "nino": "NiNo", "wnn+": "WNN+", "wnn": "WNN", "linefit": "linefit", "lawa": "LAWA"}


def read(path):
    result = read_result(path, "nino-nowcast", ("train",))
    if not result.get("series"):
        raise PlotError(BAD_DATA, f"{path}: found no series, expected curves (a dry run has none)")
    return result


def curves(result):
    """{nowcaster: [columns of each seed]}"""
    out = {}
    for name, series in result["series"].items():
        out.setdefault(name.split("/")[0], []).append(series["columns"])
    return out


def median_curve(seeds, key):
    by_step = {}
    for columns in seeds:
        for step, value in zip(columns["step"], columns[key]):
            if value is not None:
                by_step.setdefault(step, []).append(value)
    steps = sorted(s for s in by_step if len(by_step[s]) == max(map(len, by_step.values())))
    return steps, [statistics.median(by_step[s]) for s in steps]


def draw_curves(axis, result, key):
    for name, seeds in curves(result).items():
        colour = COLOURS.get(name, "black")
        for columns in seeds:
            axis.plot(columns["step"], [float("nan") if v is None else v for v in columns[key]], color=colour, lw=0.6,
                      alpha=0.35)
        axis.plot(*median_curve(seeds, key), color=colour, lw=1.8, label=LABELS.get(name, name))
    axis.set_xlabel("training step")
    axis.grid(alpha=0.2)


def draw_accuracy(axis, result):
    draw_curves(axis, result, "test_acc")
    table = result["tables"]["nowcasts"]
    rows = [dict(zip(table["columns"], row)) for row in table["rows"]]
    for step in sorted({r["step"] for r in rows}):
        axis.axvline(step, color="#bbbbbb", lw=0.6, ls=":", zorder=0)
    for r in rows:  # the drop right at a nowcast
        axis.plot([r["step"]] * 2, [r["metric_before"], r["metric_after"]], color=COLOURS.get(r["nowcaster"], "black"),
                  lw=0.8, marker="v", markevery=[1], ms=3, alpha=0.6)
    target = result["model"]["target"]
    # Every method's best is in sight, and the target unless it is far off; the first steps need not be.
    best = [max(v for v in c["test_acc"] if v is not None) for seeds in curves(result).values() for c in seeds]
    top = max(best)
    if target <= top + 15:
        axis.axhline(target, color="black", lw=0.9, ls="--")
        axis.annotate(f"target {target:g} %", (0.01, target), xycoords=("axes fraction", "data"), va="bottom", fontsize=8)
        top = max(top, target)
    axis.set_ylim(max(0, min(min(best) - 3, top - 18)), top + 1)
    axis.set_ylabel("test accuracy (%)")
    axis.legend(loc="best", fontsize=8)


def draw_bars(axis, result):
    budget = result["config"]["max-train-steps"]
    names = list(curves(result))
    for i, name in enumerate(names):
        metric = result["metrics"][f"steps_to_target/{name}"]
        reached = metric["value"] is not None
        colour = COLOURS.get(name, "black")
        axis.bar(i, metric["value"] if reached else budget, width=0.6, color=colour, alpha=0.75,
                 hatch=None if reached else "//", fill=reached, edgecolor=colour)
        seeds = [s for s in metric["per_seed"] if s is not None]
        axis.plot([i] * len(seeds), seeds, "o", color="black", ms=3.5)
        text = f"{metric['value']:.0f}" if reached else "not\nreached"
        axis.annotate(text, (i, max([metric["value"] if reached else budget, *seeds])), ha="center", va="bottom", fontsize=8,
                      xytext=(0, 4), textcoords="offset points")
    axis.set_xticks(range(len(names)), [LABELS.get(n, n) for n in names], rotation=20)
    axis.set_ylabel("steps to target (median, seeds as dots)")
    axis.margins(y=0.15)


def draw(result, title, width, out):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(1, 3, figsize=(width, width * 0.34), width_ratios=[3, 2, 1.5], layout="constrained")
    draw_accuracy(axes[0], result)
    draw_curves(axes[1], result, "test_loss")
    axes[1].set_ylabel("test loss")
    lowest = [min(v for v in c["test_loss"] if v is not None) for seeds in curves(result).values() for c in seeds]
    values = [v for seeds in curves(result).values() for c in seeds for v in c["test_loss"] if v is not None]
    axes[1].set_ylim(min(lowest) * 0.97, max(statistics.median(values) * 1.6, max(lowest) * 1.05))
    draw_bars(axes[2], result)
    model = result["model"]
    gains = [f"{LABELS.get(n.split('/')[1], n)} {abs(m['value']):.0f} % {'fewer' if m['value'] >= 0 else 'more'} steps"
             for n, m in result["metrics"].items() if n.startswith("reduction_pct/") and m["value"] is not None]
    partial = " (partial)" if result["status"] == "partial" else ""
    head = f"{model['task']}, {model['num_params']:,} parameters{partial}"
    figure.suptitle(title or ": ".join([head, *filter(None, ["; ".join(gains)])]))
    save(figure, out, 150)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", metavar="RESULT.json", help="result files, or - for stdin")
    parser.add_argument("--out", help="FILE.png or .svg (one result); beside each input by default")
    parser.add_argument("--title")
    parser.add_argument("--width", type=float, default=14, help="inches")

    def body(options):
        if options.out and len(options.results) > 1:
            raise PlotError(USAGE, "--out: expected one result")
        for path in options.results:
            draw(read(path), options.title, options.width, picture_path(options.out, [path], "nino-nowcast"))
    run(parser, body)


if __name__ == "__main__":
    main()
