"""Draws result.json files of prequential-icl: generalisation error against context length, one panel a task."""

import argparse
import json
import math
import pathlib
import re
import sys
import textwrap

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/plot"))
from result_files import BAD_DATA, PlotError, USAGE, picture_path, read_result, run, save  # noqa: E402

SUBCOMMANDS = ("train", "eval", "baseline", "sgd", "llm-score")
FIGURES = ("2", "3", "4", "5", "hmm")
# Name in the legend, and a colour that colour-blind readers tell from the others.
LEARNERS = {
    "transformer": ("prequential", "#0072B2"), "train": ("train-risk", "#D55E00"), "two-stream": ("no bottleneck", "#CC79A7"),
    "interleaved": ("interleaved", "#882255"), "decoder": ("decoder", "#CC79A7"), "mamba1": ("Mamba-1", "#E69F00"),
    "mamba2": ("Mamba-2", "#56B4E9"), "early-stop": ("SGD, early stop", "#009E73"), "none": ("SGD", "#44AA99"),
    "l1": ("SGD, L1", "#999933"), "l2": ("SGD, L2", "#117733"), "dropout": ("SGD, dropout", "#6E4B00"),
    "bayes": ("Bayes", "#000000"), "ridge": ("ridge", "#555555"), "least-squares": ("least squares", "#777777"),
    "marginal": ("marginal baseline", "#888888"), "oracle": ("oracle", "#AAAAAA"), "llm": ("language model", "#AA4499"),
}
SPARE = ("#332288", "#661100", "#AA4466", "#225555", "#777700")
# Options that say how a run went, not what it learnt.
RUN_OPTIONS = {"seed", "out", "resume", "json", "threads", "quiet", "verbose", "checkpoint-every", "eval-every", "max-time", "device",
               "config", "checkpoint", "print-config", "dry-run", "preset", "contexts", "oracle-sequences", "n-val-tasks"}


def read(path):
    result = read_result(path, "prequential-icl", SUBCOMMANDS)
    if "eval_curve" not in result.get("series", {}):
        raise PlotError(BAD_DATA, f"{path}: found no series eval_curve, expected a curve (a dry run has none)")
    return result


def with_their_runs(results):
    """An evaluation among the results of `train` stands for the run whose checkpoint it read, with the run's options."""
    runs = {r["config"]["out"]: r for r in results if r["subcommand"] == "train" and r["config"].get("out")}
    drawn, evaluated = [], []
    for result in results:
        place = str(result["model"].get("checkpoint", "")) if result["subcommand"] == "eval" else ""
        run = next((r for out, r in runs.items() if place == out or place.startswith(out.rstrip("/") + "/")), None)
        if run:
            evaluated.append(run)
            result = {**run, **result, "series": {**run["series"], **result["series"]}, "published": run.get("published", []),
                      "config": {**run["config"], **{k: v for k, v in result["config"].items() if k == "sigma"}}}
        drawn.append(result)
    return [r for r in drawn if not any(r is run for run in evaluated)]


def learner_of(result):
    """(key of LEARNERS, what is to be said beside its name)"""
    model, config = result.get("model", {}), result["config"]
    if result["subcommand"] == "llm-score":
        return "llm", ""
    if result["subcommand"] == "sgd":
        strength = {"l1": "lambda", "l2": "lambda", "dropout": "dropout"}.get(config["reg"])
        return config["reg"], f" {config[strength]:g}" if strength else ""
    if result["subcommand"] == "baseline":
        return model["method"], ""
    key, more = model["arch"], ""
    if model.get("objective") == "train":
        more = "" if key == "transformer" else f", {LEARNERS[key][0]}"
        key = "train"
    first = config.get("min-train-samples", 1)
    if first > 1:
        more += f", context {first}" if first == config["n-samples"] - 1 else f", contexts from {first}"
    if config.get("loss-from"):
        more += f", loss from {config['loss-from']}"
    if config.get("context-length"):
        more += f", lengths {config['context-length']}"
    return key, more


def panel_of(result):
    name, config = result["data"]["name"], result["config"]
    if name == "chebyshev" and "degree" in config:
        return f"{name}, degree {config['degree']}"
    return name


class Learner:
    """Results that differ in the seed only."""

    def __init__(self, result):
        self.key, more = learner_of(result)
        self.name = LEARNERS[self.key][0] + more
        self.colour = LEARNERS[self.key][1]
        self.first, self.results = result, []
        self.panel = panel_of(result)

    @staticmethod
    def identity(result):
        options = {k: v for k, v in result["config"].items() if k not in RUN_OPTIONS}
        return json.dumps([result["subcommand"], panel_of(result), learner_of(result), options], sort_keys=True)

    @property
    def seeds(self):
        return sorted({s for r in self.results for s in r["seeds"]})

    def seed_columns(self, series):
        """{seed: columns}, the later result where two have one seed; {None: ..} for a mean without its seeds."""
        found = {}
        for r in self.results:
            single = {int(name.split("/")[1]): s for name, s in r["series"].items() if name.startswith(series + "/")}
            if not single and series in r["series"]:
                single = {r["seeds"][0] if len(r["seeds"]) == 1 else None: r["series"][series]}
            found.update({seed: s["columns"] for seed, s in single.items()})
        return found

    def curve(self, column, series="eval_curve", x="n_samples", error="stderr"):
        """(x, mean over seeds, standard error); errors of one seed are those of `error`, over its tasks."""
        seeds = [c for c in self.seed_columns(series).values() if any(v is not None for v in c.get(column, []))]
        if not seeds:
            return np.zeros(0), np.zeros(0), np.zeros(0)
        points = [[(a, b, e) for a, b, e in zip(c[x], c[column], c.get(error, [None] * len(c[x]))) if b is not None] for c in seeds]
        curves = [np.array(p, dtype=float) for p in points]
        if len(curves) == 1:
            return curves[0][:, 0], curves[0][:, 1], np.nan_to_num(curves[0][:, 2])
        low, high = (f(g(c[:, 0]) for c in curves) for f, g in ((max, np.min), (min, np.max)))
        grid = np.array([v for v in curves[0][:, 0] if low <= v <= high])
        # The grids of SGD differ from seed to seed; all others are the same, and nothing is interpolated.
        values = np.array([np.interp(np.log1p(grid), np.log1p(c[:, 0]), c[:, 1]) for c in curves])
        return grid, values.mean(0), values.std(0, ddof=1) / math.sqrt(len(curves))

    def code_length(self):
        values = []
        for r in self.results:
            metric = r["metrics"].get("code_length", {})
            values += [v for v in metric.get("per_seed") or [metric.get("value")] if v is not None]
        if not values:
            return ""
        mean, error = np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else 0.0

        def digits(value, wanted):
            return max(0, wanted - 1 - math.floor(math.log10(value))) if value > 0 else 0
        if not error:
            return f", {mean:.{digits(mean, 3)}f}"
        decimals = min(max(digits(mean, 3), digits(error, 1)), 4)
        return f", {mean:.{decimals}f} ± {error:.{decimals}f}"

    def published(self):
        rows = [(int(p["metric"].split("/")[1]), p["value"]) for p in self.first.get("published", [])
                if re.fullmatch(r"loss_nexttoken/\d+", p["metric"])]
        return sorted(rows)


def learners_of(results):
    found = {}
    for result in results:
        key = Learner.identity(result)
        found.setdefault(key, Learner(result)).results.append(result)
    out = list(found.values())
    for panel in {x.panel for x in out}:
        here = [x for x in out if x.panel == panel]
        for name in {x.name for x in here}:
            tell_apart([x for x in here if x.name == name])
        spare, used = list(SPARE), set()
        for x in here:
            if x.colour in used and spare:
                x.colour = spare.pop(0)
            used.add(x.colour)
    order = list(LEARNERS)
    return sorted(out, key=lambda x: order.index(x.key))


def tell_apart(same):
    """Adds to equal names the options in which they differ."""
    if len(same) < 2:
        return
    missing = object()
    keys = [k for k in same[0].first["config"] if k not in RUN_OPTIONS
            and len({json.dumps(x.first["config"].get(k, None)) for x in same}) > 1 and
            all(x.first["config"].get(k, missing) is not missing for x in same)]
    for x in same:
        words = [f"{k} {x.first['config'][k]}" for k in keys] or [x.first["subcommand"]]
        x.name += f" ({', '.join(words)})"


def unit_of(panel_learners):
    kind = panel_learners[0].first["data"].get("kind", "labels")
    return "squared error" if kind == "regression" else "nats"


def averaged(x, *columns):
    """A long curve on a logarithmic axis: the means of every sixteenth of a decade; no short context shares one."""
    if len(x) <= 40:
        return x, *columns
    bins = np.round(np.log10(x) * 16).astype(int)
    return tuple(np.array([c[bins == b].mean() for b in np.unique(bins)]) for c in (x, *columns))


def draw_line(axis, learner, x, y, error, label):
    axis.plot(x, y, color=learner.colour, lw=1.6, label=label, zorder=3 if learner.key == "bayes" else 4,
              marker="o" if len(x) <= 12 else None, ms=3)
    if np.any(error > 0):
        axis.fill_between(x, y - error, y + error, color=learner.colour, alpha=0.2, lw=0)


def published_of(learner, options):
    shown = options.published or learner.first["config"].get("preset") == "paper"
    return learner.published() if shown else []


def draw_panel(axis, learners, options):
    seen = []
    for learner in learners:
        column = "loss_smoothed" if learner.key == "llm" else "loss_nexttoken"
        x, y, error = learner.curve(column)
        keep = x > 0  # the empty context has no place on a logarithmic axis
        if not keep.any():
            continue
        x, y, error = averaged(x[keep], y[keep], error[keep])
        seen += list(y)
        draw_line(axis, learner, x, y, error, learner.name + learner.code_length())
        if options.train_error:
            x, y, _ = learner.curve("loss_train")
            axis.plot(*averaged(x[x > 0], y[x > 0]), color=learner.colour, lw=0.9, ls=":", zorder=2)
        rows = published_of(learner, options)
        if rows:
            seen += [v for _, v in rows]
            axis.plot(*zip(*rows), color=learner.colour, lw=1.1, ls="--", marker="s", ms=2.5, zorder=2)
    axis.set_xscale("log")
    unit = unit_of(learners)
    if unit == "squared error" and min(seen) > 0 and max(seen) > 3 * min(seen):
        axis.set_yscale("log")
    else:
        axis.set_ylim(bottom=0)
    plain_ticks(axis)
    axis.set_title(learners[0].panel)
    axis.set_xlabel("context length n")
    axis.set_ylabel(f"next-point loss ({unit})")
    axis.grid(alpha=0.2)


def plain_ticks(axis):
    """1, 2, 5, 10, .. instead of powers where an axis has less than two decades."""
    from matplotlib import ticker
    for a in (axis.xaxis, axis.yaxis):
        if a.get_scale() != "log":
            continue
        low, high = sorted(a.get_view_interval())
        subs = (1.0,) if high > 300 * low else (1.0, 2.0, 5.0) if high > 4 * low else (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
        a.set_major_locator(ticker.LogLocator(base=10, subs=subs))
        a.set_major_formatter(ticker.FuncFormatter(lambda v, _: f"{v:g}"))
        a.set_minor_formatter(ticker.NullFormatter())


def legend(axis, learners):
    """Below the panel: no curve is hidden, however many there are."""
    unit = {"squared error": "sum of squared errors", "nats": "nats"}[unit_of(learners)]
    lengths = any(x.code_length() for x in learners)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False, handlelength=1.4,
                title=f"learner, code length ({unit})" if lengths else None, title_fontsize=8)


def panels_of(learners):
    panels = {}
    for learner in learners:
        panels.setdefault(learner.panel, []).append(learner)
    known = ["linear", "sinusoid", "mastermind"]
    return sorted(panels.items(), key=lambda p: (known.index(p[0]) if p[0] in known else len(known), p[0]))


def new_figure(plt, options, rows, columns, width=3.7, height=4.6):
    size = options.width or max(width * columns, 5.0), rows * height
    return plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)


def figure_curves(plt, learners, options):
    panels = panels_of(learners)
    figure, axes = new_figure(plt, options, 1, len(panels))
    for axis, (_, here) in zip(axes[0], panels):
        draw_panel(axis, here, options)
        legend(axis, here)
    return figure, "generalisation error on unseen tasks"


def probe_rows(learner):
    table = next((r["tables"]["probe_functions"] for r in learner.results if "probe_functions" in r.get("tables", {})), None)
    return [dict(zip(table["columns"], row)) for row in table["rows"]] if table else []


def draw_probe(axis, learners, context, options):
    """Draws one task at one context; returns the values that must be in sight."""
    values = []
    for learner in learners:
        rows = [r for r in probe_rows(learner) if r["task"] == options.probe_task and r["n_samples"] == context]
        grid = [r for r in rows if r["part"] == "grid"]
        if not grid:
            continue
        x = np.array([r["x"] for r in grid])
        if not values:
            points = [(r["x"], r["true"]) for r in rows if r["part"] == "context"]
            edge = 0.2 * (x.max() - x.min()) / 1.4  # the grid goes .2 of their range beyond the points
            inside = [r["true"] for r in grid if x.min() + edge <= r["x"] <= x.max() - edge and r["true"] is not None]
            values = [y for _, y in points] + inside
            if inside:
                axis.plot(x, [r["true"] for r in grid], color="#999999", lw=2.6, label="true function")
            axis.plot(*zip(*points), "o", color="black", ms=3.5, label="context", zorder=6)
            axis.axvspan(x.min() + edge, x.max() - edge, color="#000000", alpha=0.04, lw=0)
        axis.plot(x, [r["predicted"] for r in grid], color=learner.colour, lw=1.6, label=learner.name)
    axis.set_title(f"n = {context}")
    axis.set_xlabel("x")
    axis.grid(alpha=0.2)
    return values


def draw_excess(axis, learners):
    for learner in learners:
        x, y, error = learner.curve("excess_norm", "excess_norm", error="excess_norm_stderr")
        if len(x):
            draw_line(axis, learner, x, y, error, learner.name)
    axis.set_xscale("log")
    plain_ticks(axis)
    axis.set_ylim(bottom=0)
    axis.set_title("orders above the data's")
    axis.set_ylabel("norm of their coefficients")
    axis.set_xlabel("context length n")
    axis.grid(alpha=0.2)


def figure_polynomials(plt, learners, options):
    learners = [x for x in learners if belongs(x, "3")]
    if not learners:
        raise PlotError(BAD_DATA, "--figure 3: found neither table probe_functions (eval --probe-functions) nor series excess_norm")
    contexts = sorted({r["n_samples"] for x in learners for r in probe_rows(x) if r["task"] == options.probe_task})
    if not contexts and any(probe_rows(x) for x in learners):
        raise PlotError(USAGE, f"--probe-task: found {options.probe_task}, which none of the results has")
    panels = panels_of(learners)
    excess = any(x.curve("excess_norm", "excess_norm")[0].size for x in learners)
    figure, axes = new_figure(plt, options, len(panels), len(contexts) + 1 + excess, 2.9, 2.8)
    for row, (name, here) in zip(axes, panels):
        values = [v for axis, context in zip(row, contexts) for v in draw_probe(axis, here, context, options)]
        for axis in row[:len(contexts)] if values else []:
            margin = 0.3 * (max(values) - min(values))
            axis.set_ylim(min(values) - margin, max(values) + margin)
        row[0].set_ylabel(f"{name}\ny")
        draw_panel(row[len(contexts)], here, options)
        row[len(contexts)].set_title("generalisation error")
        if excess:
            draw_excess(row[-1], here)
    shown = {}  # a learner has one colour in all panels
    for axis in axes.flat:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            shown.setdefault(handle.get_color(), (handle, label))
    space = 0.3 / figure.get_figheight()
    figure.get_layout_engine().set(rect=(0, space, 1, 1 - space))
    figure.legend(*zip(*shown.values()), loc="lower center", ncol=len(shown), frameon=False)
    return figure, "fitted functions and their complexity" if excess else "fitted functions"


def figure_hmm(plt, learners, options):
    learners = [x for x in learners if belongs(x, "hmm")]
    if not learners:
        raise PlotError(BAD_DATA, "--figure hmm: found no result of --task hmm")
    with_epochs = [x for x in learners if x.curve("kl_model_oracle", "train_curve", "epoch", None)[0].size]
    with_contexts = [x for x in learners if x.curve("kl_model_oracle", "kl_oracle")[0].size]
    figure, axes = new_figure(plt, options, 1, 1 + bool(with_epochs) + bool(with_contexts))
    axes = list(axes[0])
    draw_panel(axes[0], learners, options)
    values = [v for line in axes[0].get_lines() for v in line.get_ydata()]
    axes[0].set_ylim(max(0, min(values) - 0.3), max(values) + 0.3)
    legend(axes[0], learners)
    if with_epochs:
        axis = axes[1]
        for x in with_epochs:
            draw_line(axis, x, *x.curve("kl_model_oracle", "train_curve", "epoch", None), x.name)
        axis.set_xlabel("epoch")
        axis.set_title("during training")
    if with_contexts:
        for x in with_contexts:
            curve = x.curve("kl_model_oracle", "kl_oracle", error="kl_model_oracle_stderr")
            draw_line(axes[-1], x, *averaged(*curve), x.name)
        axes[-1].set_xscale("log")
        plain_ticks(axes[-1])
        axes[-1].set_xlabel("context length n")
        axes[-1].set_title("by context")
    for axis in axes[1:]:
        axis.set_ylim(bottom=0)
        axis.set_ylabel("KL(model || Bayes) (nats)")
        axis.grid(alpha=0.2)
    return figure, "distance to exact Bayes"


def guess(learners):
    if any(x.key == "llm" for x in learners):
        return "5"
    if any(probe_rows(x) for x in learners):
        return "3"
    if all(x.first["data"]["name"] == "hmm" for x in learners):
        return "hmm"
    return None  # all learners, as figures 2 and 4 have them


def belongs(learner, figure):
    if figure == "3":
        return probe_rows(learner) or learner.curve("excess_norm", "excess_norm")[0].size
    return figure != "hmm" or learner.first["data"]["name"] == "hmm"


def chosen(learners, figure):
    baseline = {"bayes", "ridge", "least-squares", "marginal", "oracle"}
    sgd = {"early-stop", "none", "l1", "l2", "dropout"}
    keep = {"2": lambda x: x.key in baseline | sgd | {"transformer", "train"},
            "4": lambda x: x.key in set(LEARNERS) - sgd - {"train", "llm"},
            "5": lambda x: x.panel == "mastermind"}.get(figure, lambda x: True)
    out = [x for x in learners if keep(x)]
    if not out:
        raise PlotError(BAD_DATA, f"--figure {figure}: none of the results belongs into it")
    if figure in ("4", "hmm"):  # here the objective is everybody's, the architecture is what tells
        for x in out:
            if x.key == "transformer":
                x.name = x.name.replace("prequential", "Transformer", 1)
    return out


def draw(results, options, out):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.rcParams.update({"svg.fonttype": "none", "font.size": 9, "axes.titlesize": 10, "legend.fontsize": 8})
    learners = learners_of(with_their_runs(results))
    kind = options.figure or guess(learners)
    learners = chosen(learners, kind)
    figure, title = {"3": figure_polynomials, "hmm": figure_hmm}.get(kind, figure_curves)(plt, learners, options)
    left_out = [x.name for x in learners if not belongs(x, kind)]
    if left_out:
        print(f"plot.py: warning: figure {kind} leaves out {', '.join(left_out)}; --figure 2 shows all curves", file=sys.stderr)
    seeds = sorted({len(x.seeds) for x in learners})
    title += f", mean of {'up to ' * (len(seeds) > 1)}{seeds[-1]} seeds" if seeds[-1] > 1 else ""
    title += "; dashed: the paper's" if any(published_of(x, options) for x in learners) else ""
    title += "; dotted: training error" if options.train_error else ""
    if any(r["status"] == "partial" for x in learners for r in x.results):
        title += " (partial)"
    figure.suptitle(options.title or textwrap.fill(title, int(11 * figure.get_figwidth())), fontsize=11)
    save(figure, out, 150)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", metavar="RESULT.json",
                        help="results of train, eval, baseline, sgd or llm-score, or - for stdin; those that differ in the seed only "
                             "are one curve")
    parser.add_argument("--out", help="FILE.png or .svg; default: prequential-icl.png beside the first input")
    parser.add_argument("--figure", choices=FIGURES, help="layout of the paper's figure; default: by the results")
    parser.add_argument("--train-error", action="store_true", help="also the loss on a point of the context, dotted")
    parser.add_argument("--published", action="store_true",
                        help="the paper's values, dashed, also without --preset paper (results of small runs hold none)")
    parser.add_argument("--probe-task", type=int, default=0, metavar="N", help="figure 3: which of the probed tasks, 0 to 3")
    parser.add_argument("--title")
    parser.add_argument("--width", type=float, help="inches; default: by the number of panels")

    def body(options):
        out = picture_path(options.out, options.results, "prequential-icl")
        draw([read(path) for path in options.results], options, out)
    run(parser, body)


if __name__ == "__main__":
    main()
