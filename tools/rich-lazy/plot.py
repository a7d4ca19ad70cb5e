"""Draws result.json files of rich-lazy: measures against rank, losses, measures along training, theory, spectra, controls."""

import argparse
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/plot"))
from result_files import BAD_DATA, PlotError, picture_path, read_result, run, save  # noqa: E402

DRAWN = ("train", "eval", "theory", "connectome")
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
MOST_CURVES = 4  # runs whose curves one panel shows
CHANGES = {"weight_change_norm": "weight change |dW|", "rep_alignment": "representation alignment RA",
           "kernel_alignment": "kernel alignment KA"}


def read(path):
    result = read_result(path, "rich-lazy", DRAWN)
    table = {"theory": "theory", "connectome": "matrices"}.get(result["subcommand"], "models")
    if not result.get("tables", {}).get(table, {}).get("rows"):
        raise PlotError(BAD_DATA, f"{path}: found no table {table}, expected one (a dry run has none)")
    return result


def rows(result, table="models"):
    table = result["tables"][table]
    return [dict(zip(table["columns"], row)) for row in table["rows"]]


def label_of(path, several):
    return f" ({pathlib.Path(path).parent.name})" if several else ""


def mean_and_error(values):
    values = np.array([v for v in values if v is not None], dtype=float)
    if not len(values):
        return np.nan, np.nan
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0


def lone_marker(points):
    """A line of one point would not be seen."""
    return "o" if len(points) == 1 else None


def rank_axis(axes, trained):
    from matplotlib.ticker import NullLocator
    ranks = sorted({row["rank"] for result, _ in trained for row in rows(result)})
    axes.set_xscale("log")
    axes.set_xticks(ranks, [str(r) for r in ranks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("rank of the initial recurrent weights")
    axes.grid(alpha=0.3)


def rank_panels(trained):
    """One panel a measure: mean over seeds and its standard error against the rank of a draw."""
    def panel(name, title):
        def draw(axes):
            colour = 0
            for result, path in trained:
                chosen = [r for r in rows(result) if r["chosen"]]
                for task in dict.fromkeys(r["task"] for r in chosen):
                    of = [r for r in chosen if r["task"] == task]
                    ranks = sorted({r["rank"] for r in of})
                    points = [mean_and_error([r[name] for r in of if r["rank"] == k]) for k in ranks]
                    axes.errorbar(ranks, [p[0] for p in points], [p[1] for p in points], marker="o", ms=4, lw=1.5, capsize=3,
                                  color=COLOURS[colour % len(COLOURS)], label=task + label_of(path, len(trained) > 1))
                    colour += 1
            rank_axis(axes, trained)
            axes.set_ylabel(title)
            axes.legend(fontsize=8)
        return draw
    return [panel(name, title) for name, title in CHANGES.items()]


def change_panels(trained):
    """One panel a measure, a line a run, for many of them: means of the least and the greatest rank, and of every task."""
    markers = ("o", "s", "^", "D")
    tasks = list(dict.fromkeys(r["task"] for result, _ in trained for r in rows(result)))

    def panel(name, title):
        def draw(axes):
            for line, (result, _) in enumerate(trained):
                chosen = [r for r in rows(result) if r["chosen"]]
                ranks = sorted({r["rank"] for r in chosen})
                for rank in dict.fromkeys((ranks[:1] if len(ranks) > 1 else []) + ranks[-1:]):
                    for i, task in enumerate(tasks):
                        value = mean_and_error([r[name] for r in chosen if (r["task"], r["rank"]) == (task, rank)])[0]
                        axes.plot(value, line + 0.2 * (i - (len(tasks) - 1) / 2), markers[i % len(markers)], ms=5, alpha=0.8,
                                  color=COLOURS[int(rank == ranks[-1])])
            axes.set_yticks(range(len(trained)), [pathlib.Path(path).parent.name for _, path in trained], fontsize=8)
            axes.invert_yaxis()
            axes.set_xlabel(title)
            axes.grid(alpha=0.3)
            if name == "weight_change_norm":
                axes.set_xscale("log")
                from matplotlib.lines import Line2D
                axes.legend([Line2D([], [], marker=markers[i % len(markers)], ls="", color="black") for i in range(len(tasks))] +
                            [Line2D([], [], marker="o", ls="", color=colour) for colour in COLOURS[:2]],
                            tasks + ["least rank", "full rank"], fontsize=7)
        return draw
    return [panel(name, title) for name, title in CHANGES.items()]


def control_panels(trained):
    """One panel a measure, three bars a matrix and task: itself, its shuffle and the Gaussian, with every seed."""
    def group_label(result, path, task):
        init = rows(result)[0]["init"]
        twice = sum(rows(other)[0]["init"] == init for other, _ in trained) > 1
        return f"{init}, {task}" + (f"\n({pathlib.Path(path).parent.name})" if twice else "")

    def panel(name, title):
        def draw(axes):
            at, ticks, means = 0, [], []
            for result, path in trained:
                chosen, own = [r for r in rows(result) if r["chosen"]], rows(result)[0]["init"]
                for task in dict.fromkeys(r["task"] for r in rows(result)):
                    inits = list(dict.fromkeys(r["init"] for r in rows(result)))
                    ticks.append((at + (len(inits) - 1) / 2, group_label(result, path, task)))
                    for init in inits:
                        values = [r[name] for r in chosen if (r["task"], r["init"]) == (task, init) and r[name] is not None]
                        colour = COLOURS[{own: 0, "shuffled": 1, "gauss": 2}[init]]
                        if values:
                            means.append(mean_and_error(values)[0])
                            axes.bar(at, means[-1], 0.9, color=colour, alpha=0.7)
                            axes.plot([at] * len(values), values, "o", ms=2.5, color="black")
                        else:  # none: diverged, or no active unit
                            axes.plot(at, 0, "x", ms=5, color=colour, clip_on=False, transform=axes.get_xaxis_transform())
                        at += 1
                    at += 1
            if means and max(means) > 50 * min(means) > 0:
                axes.set_yscale("log")
            axes.set_xticks([t for t, _ in ticks], [n for _, n in ticks], fontsize=7, rotation=40, ha="right", rotation_mode="anchor")
            axes.set_ylabel(title)
            axes.grid(axis="y", alpha=0.3)
            if name == "weight_change_norm":
                from matplotlib.patches import Patch
                axes.legend([Patch(color=c, alpha=0.7) for c in COLOURS[:3]], ["as named", "shuffled", "Gaussian"], fontsize=7)
        return draw
    return [panel(name, title) for name, title in CHANGES.items()]


def loss_panel(trained):
    def draw(axes):
        seen = {}
        for result, path in trained:
            for name, series in result["series"].items():
                if not name.endswith("/loss"):
                    continue
                group = name.split("/seed-")[0] + label_of(path, len(trained) > 1)
                colour = COLOURS[seen.setdefault(group, len(seen)) % len(COLOURS)]
                columns = series["columns"]
                axes.plot(columns["iter"], np.array(columns["loss"], dtype=float), lw=0.9, alpha=0.8, color=colour,
                          marker=lone_marker(columns["iter"]), ms=3,
                          ls=("-", "--", ":")[seen[group] // len(COLOURS) % 3])
        axes.set_yscale("log")
        axes.set_xlabel("iteration")
        axes.set_ylabel("training loss")
        axes.grid(alpha=0.3)
        from matplotlib.lines import Line2D
        if len(seen) <= 12:
            axes.legend([Line2D([], [], color=COLOURS[i % len(COLOURS)], ls=("-", "--", ":")[i // len(COLOURS) % 3]) for i in seen.values()],
                        list(seen), fontsize=7)
    return draw


def along_panel(trained):
    def draw(axes):
        seen = {}
        for result, path in trained:
            for name, series in result["series"].items():
                if not name.endswith("/measures"):
                    continue
                group = name.split("/seed-")[0] + label_of(path, len(trained) > 1)
                first = group not in seen
                colour = COLOURS[seen.setdefault(group, len(seen)) % len(COLOURS)]
                columns = series["columns"]
                axes.plot(columns["iter"], np.array(columns["kernel_alignment"], dtype=float), lw=1, color=colour,
                          marker=lone_marker(columns["iter"]), ms=3, label=group if first else None)
        axes.set_xlabel("iteration")
        axes.set_ylabel("kernel alignment with the start")
        axes.legend(fontsize=7)
        axes.grid(alpha=0.3)
    return draw


def kernel_task_panel(trained):
    """Alignment of the tangent kernel with the labels, before and after training, against rank."""
    def draw(axes):
        colour = 0
        for result, path in trained:
            chosen = [r for r in rows(result) if r["chosen"]]
            for task in dict.fromkeys(r["task"] for r in chosen):
                of = [r for r in chosen if r["task"] == task]
                ranks = sorted({r["rank"] for r in of})
                for name, style in (("initial_target_alignment", "--"), ("target_alignment", "-")):
                    points = [mean_and_error([r[name] for r in of if r["rank"] == k]) for k in ranks]
                    axes.errorbar(ranks, [p[0] for p in points], [p[1] for p in points], ls=style, marker="o", ms=4, capsize=3,
                                  color=COLOURS[colour % len(COLOURS)], mfc="white" if style == "--" else None,
                                  label=f"{task}{label_of(path, len(trained) > 1)}, {'before' if style == '--' else 'after'}")
                colour += 1
        rank_axis(axes, trained)
        axes.set_ylabel("alignment of kernel and labels")
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.2 * (high - low))  # room for the legend
        axes.legend(fontsize=7, handlelength=3, ncols=3, loc="upper center")
    return draw


def theory_panel(results):
    def draw(axes):
        from matplotlib.ticker import NullLocator
        points = [r for result in results for r in rows(result, "theory")]
        names, alone = list(dict.fromkeys((r["start"], r["kappa"]) for r in points)), {}
        for i, (start, kappa) in enumerate(names):
            of = sorted((r for r in points if (r["start"], r["kappa"]) == (start, kappa)), key=lambda r: r["rank"])
            # Starts with one rank stand side by side.
            at = [r["rank"] for r in of]
            if len(of) == 1:
                alone[at[0]] = alone.get(at[0], 0) + 1
                at = [at[0] * 1.05**(alone[at[0]] - 1)]
            colour = COLOURS[i % len(COLOURS)]
            axes.plot(at, [r["ka_theory"] for r in of], color=colour, lw=1.5, marker="_", ms=9)
            axes.errorbar(at, [r["ka_mean"] for r in of], [r["ka_se"] for r in of], fmt="os^"[i // len(COLOURS) % 3], ms=4, capsize=3, color=colour,
                          label=f"{start}, kappa {kappa:g}")
        ranks = sorted({r["rank"] for r in points})
        axes.set_xscale("log")
        axes.set_xticks(ranks, [str(r) for r in ranks])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("rank of the first layer")
        axes.set_ylabel("kernel alignment (line: formula)")
        axes.set_ylim(0, 1.02)
        axes.legend(fontsize=8 if len(names) <= 8 else 7, ncols=1 if len(names) <= 8 else 2, loc="upper left")
        axes.grid(alpha=0.3)
    return draw


def spectrum_panel(result):
    def draw(axes):
        for i, (name, series) in enumerate(result["series"].items()):
            moduli = np.array(series["columns"]["eigenvalue_modulus"], dtype=float)
            axes.plot(np.arange(1, len(moduli) + 1) / len(moduli), moduli / moduli[0], color=COLOURS[i % len(COLOURS)],
                      label=name.split("/", 1)[1])
        axes.set_xlabel("index / N")
        axes.set_ylabel("|eigenvalue| / largest")
        axes.set_title(result["data"]["name"], fontsize=9, loc="left")
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)
    return draw


def panels_of(results, paths):
    trained = [(r, p) for r, p in zip(results, paths) if r["subcommand"] in ("train", "eval")]
    swept = [(r, p) for r, p in trained if {row["init"] for row in rows(r)} == {"gauss"}]
    controls = [(r, p) for r, p in trained if (r, p) not in swept]
    panels = []
    if len(swept) > MOST_CURVES:
        panels += change_panels(swept)
    elif swept:
        panels += rank_panels(swept) + [kernel_task_panel(swept)]
    if controls:
        panels += control_panels(controls)
    if trained and len(swept) <= MOST_CURVES:
        panels.append(loss_panel(trained))
    along = [(r, p) for r, p in trained if any(n.endswith("/measures") for n in r["series"])]
    if along:
        panels.append(along_panel(along))
    theories = [r for r in results if r["subcommand"] == "theory"]
    if theories:
        panels.append(theory_panel(theories))
    return panels + [spectrum_panel(r) for r in results if r["subcommand"] == "connectome"]


def draw(results, paths, out):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.fonttype"] = "none"
    panels = panels_of(results, paths)
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure, axes = pyplot.subplots(lines, columns, figsize=(5 * columns, 3.8 * lines), layout="constrained", squeeze=False)
    for axis, panel in zip(axes.flat, panels):
        panel(axis)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes.flat[len(panels):]:
        axis.set_axis_off()
    save(figure, out, 110)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", metavar="RESULT.json", help="of train, eval, theory or connectome; '-': stdin")
    parser.add_argument("--out", metavar="FILE", help="PNG or SVG (default: rich-lazy.png beside the first result)")

    def body(args):
        out = picture_path(args.out, args.results, "rich-lazy")
        draw([read(p) for p in args.results], args.results, out)
    run(parser, body)


if __name__ == "__main__":
    main()
