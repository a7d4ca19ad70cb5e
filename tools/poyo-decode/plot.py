"""Draws result.json files of poyo-decode: R2 by session, training, few-shot curves, decoded movement, and the map of units."""

import argparse
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/plot"))
from result_files import BAD_DATA, PlotError, picture_path, read_result, run, save  # noqa: E402

DRAWN = ("train", "finetune", "identify", "eval", "baseline", "decode", "embed")
DECODERS = {"identify": "POYO, unit identification", "finetune": "POYO, fine-tuned", "scratch": "POYO, from scratch",
            "wiener": "Wiener filter"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")


def read(path):
    result = read_result(path, "poyo-decode", DRAWN)
    if not {"sessions", "units"} & set(result.get("tables", {})):
        raise PlotError(BAD_DATA, f"{path}: found no table sessions, expected scores (a dry run has none)")
    return result


def label_of(result, path):
    if result["subcommand"] == "baseline":
        return {"wiener": "Wiener filter", "kalman": "Kalman filter", "mlp": "MLP", "gru": "GRU"}.get(result["config"]["method"], result["config"]["method"])
    name = pathlib.Path(path).parent.name
    kind = "POYO, streamed" if result["subcommand"] == "decode" else "POYO"
    return f"{kind} ({name})" if name else kind


def scores_by_session(result):
    table = result["tables"]["sessions"]
    session, r2 = (table["columns"].index(c) for c in ("session", "r2"))
    scores = {}
    for row in table["rows"]:
        scores.setdefault(row[session], []).append(np.nan if row[r2] is None else row[r2])
    return scores


def draw_sessions(axes, results, paths):
    sessions = list(dict.fromkeys(s for r in results for s in scores_by_session(r)))
    width = 0.8 / len(results)
    counts = {len(scores_by_session(r)) for r in results}
    for i, (result, path) in enumerate(zip(results, paths)):
        scores = scores_by_session(result)
        at, means, spreads = [], [], []
        for k, session in enumerate(sessions):
            if session not in scores:
                continue
            values = np.array(scores[session], dtype=float)
            at.append(k + (i - (len(results) - 1) / 2) * width)
            means.append(values.mean())
            spreads.append(values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0)
        metric = result["metrics"]["r2"]["value"]
        mean = "" if metric is None else f", mean {metric:.3f}" + (f" of {len(scores)} sessions" if len(counts) > 1 else "")
        axes.bar(at, means, width * 0.95, yerr=spreads if any(spreads) else None, color=COLOURS[i % len(COLOURS)],
                 label=label_of(result, path) + mean + (" (partial)" if result["status"] == "partial" else ""))
    axes.set_xticks(range(len(sessions)), sessions, rotation=30, ha="right", fontsize=8)
    middle, half = (len(sessions) - 1) / 2, max(len(sessions), 4) / 2  # few sessions do not fill the width
    axes.set_xlim(middle - half, middle + half)
    axes.set_ylabel("R2 on held-out trials")
    axes.set_ylim(min(0, axes.get_ylim()[0]), 1)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)


def draw_training(axes, results, paths):
    other = axes.twinx()
    for i, (result, path) in enumerate(zip(results, paths)):
        curves = result.get("series", {})
        names = [n for n in curves if n.startswith("train_curve/") and n.count("/") == 1]  # the seeds' models
        names = names or [n for n in curves if n == "train_curve"]
        for name in names:
            columns = curves[name]["columns"]
            colour = COLOURS[i % len(COLOURS)]
            axes.plot(columns["step"], np.array(columns["train_loss"], dtype=float), color=colour, lw=1, ls="--")
            other.plot(columns["step"], np.array(columns["val_r2"], dtype=float), color=colour, lw=1.5,
                       label=label_of(result, path) if name == names[0] else None)
    axes.set_xlabel("step")
    axes.set_ylabel("training loss (dashed)")
    axes.set_ylim(bottom=0)
    other.set_ylabel("R2 on validation trials (solid)")
    other.set_ylim(top=1)
    if other.get_legend_handles_labels()[1]:
        other.legend(fontsize=8, loc="center right")


def draw_few_shot(axes, results, paths):
    """R2 by labelled trials; a decoder that several results hold is drawn once for each."""
    several = len(results) > 1
    for k, (result, path) in enumerate(zip(results, paths)):
        columns = result["series"]["few_shot"]["columns"]
        for name, label in DECODERS.items():
            if name not in columns:
                continue
            r2, error = (np.array(columns[c], dtype=float) for c in (name, f"{name}_stderr"))
            colour = COLOURS[list(DECODERS).index(name)]
            axes.errorbar(columns["trials"], r2, yerr=None if np.isnan(error).all() else error, marker="o", ms=4, lw=1.5,
                          capsize=2, color=colour, ls=("-", "--", ":", "-.")[k % 4],
                          label=f"{label} ({pathlib.Path(path).parent.name})" if several else label)
    from matplotlib.ticker import NullLocator
    ticks = sorted({t for r in results for t in r["series"]["few_shot"]["columns"]["trials"]})
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("labelled trials of a session")
    axes.set_ylabel("R2 on held-out trials")
    axes.set_ylim(top=1)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")


def trajectories_of(result):
    start = "trajectory/"
    return {n[len(start):]: s["columns"] for n, s in result.get("series", {}).items() if n.startswith(start)}


def shown_sessions(decoded, wanted):
    """The sessions asked for; else the first of every task that some result holds."""
    held = list(dict.fromkeys(s for r, _ in decoded for s in trajectories_of(r)))
    if wanted is not None:
        missing = [s for s in wanted if s not in held]
        if missing:
            raise PlotError(BAD_DATA, f"--sessions: no result holds movement of {missing[0]}, expected some of {', '.join(held)}")
        return wanted
    tasks = {}
    for result, _ in decoded:
        table = result["tables"]["sessions"]
        session, task = (table["columns"].index(c) for c in ("session", "task"))
        for row in table["rows"]:
            if row[session] in held:
                tasks.setdefault(row[task], row[session])
    return list(tasks.values())


def draw_trajectories(figure, session, decoded):
    """Velocity along x and y, trial after trial; the samples that R2 counts lie on a grey ground."""
    axes = figure.subplots(2, 1, sharex=True)
    trials, end = [], 0.0  # first and last time, and what is added to them
    for i, (result, path) in enumerate(decoded):
        columns = trajectories_of(result).get(session)
        if columns is None:
            continue
        values = {k: np.array(v, dtype=float) for k, v in columns.items()}
        label = label_of(result, path)
        for number in np.unique(values["trial"]):
            here = values["trial"] == number
            time = values["time"][here]
            middle = time.mean()
            trial = next((t for t in trials if t[0] <= middle <= t[1]), None)
            if trial is None:
                trial = (time[0], time[-1], end - time[0])
                end += time[-1] - time[0] + 0.25
                for k, axis in enumerate("xy"):
                    at = time + trial[2]
                    axes[k].plot(at, values[f"true_{axis}"][here], color="black", lw=1.6, label=None if trials else "true")
                    axes[k].fill_between(at, 0, 1, where=values["scored"][here] > 0, color="#eeeeee", lw=0, zorder=0,
                                         transform=axes[k].get_xaxis_transform())
                trials.append(trial)
            for k, axis in enumerate("xy"):
                axes[k].plot(time + trial[2], values[f"decoded_{axis}"][here], color=COLOURS[i % len(COLOURS)], lw=1.3, label=label)
            label = None
    for k, axis in enumerate("xy"):
        axes[k].set_ylabel(f"velocity {axis} (recording's unit)", fontsize=8)
        axes[k].axhline(0, color="black", lw=0.4, alpha=0.5)
        axes[k].margins(x=0.01)
        axes[k].spines[["top", "right"]].set_visible(False)
    axes[1].set_xticks([first + shift for first, _, shift in trials], [f"{first:.1f} s" for first, _, _ in trials])
    axes[1].set_xlabel("held-out trials side by side, each with the time at which it began; what R2 counts is grey")
    right = axes[1].get_xlim()[1]
    axes[1].plot([right - 1, right], [0.04, 0.04], color="black", lw=3, solid_capstyle="butt", transform=axes[1].get_xaxis_transform())
    axes[1].text(right - 0.5, 0.07, "1 s", ha="center", fontsize=8, transform=axes[1].get_xaxis_transform())
    axes[0].set_title(session, loc="left", fontsize=10)
    axes[0].legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False)


def draw_units(figure, result):
    """Principal components of the unit embeddings, by session, and by preferred direction where it is known."""
    table = result["tables"]["units"]
    column = {name: i for i, name in enumerate(table["columns"])}
    rows = [r for r in table["rows"] if r[column["seed"]] == table["rows"][0][column["seed"]]]

    def values(name):
        return np.array([r[column[name]] for r in rows], dtype=float)

    x, y = values("pc1"), values("pc2")
    direction, gain = values("direction"), values("gain")
    known = np.isfinite(direction)
    axes = figure.subplots(1, 2 if known.any() else 1, squeeze=False)[0]
    sessions = [r[column["session"]] or "?" for r in rows]
    names = list(dict.fromkeys(sessions))
    for i, name in enumerate(names):
        of = np.array([s == name for s in sessions])
        axes[0].scatter(x[of], y[of], s=22, color=COLOURS[i % len(COLOURS)], marker="os^Dv"[i // len(COLOURS) % 5], lw=0, alpha=0.85,
                        label=name if len(names) <= 14 else None)
    if len(names) <= 14:
        axes[0].legend(fontsize=7, title="session", title_fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    axes[0].set_title("unit embeddings by session", fontsize=10)
    if known.any():
        size = 10 + 60 * gain[known] / np.nanmax(gain)
        shown = axes[1].scatter(x[known], y[known], s=size, c=np.degrees(direction[known]) % 360, cmap="hsv", vmin=0, vmax=360,
                                edgecolors="black", linewidths=0.3)
        bar = figure.colorbar(shown, ax=axes[1], ticks=[0, 90, 180, 270, 360])
        bar.set_label("preferred direction, degrees")
        axes[1].set_title("by preferred direction (size: depth of tuning)", fontsize=10)
    for ax in axes:
        ax.set_aspect("equal", adjustable="datalim" if known.any() else "box")
        for set_label, name in ((ax.set_xlabel, "pc1"), (ax.set_ylabel, "pc2")):
            share = result["metrics"][f"variance_share/{name}"]["value"]
            set_label(f"{name.upper()} ({100 * share:.0f} % of the variance)")


PANELS = {"sessions": draw_sessions, "training": draw_training, "few-shot": draw_few_shot, "trajectories": draw_trajectories,
          "units": draw_units}


def draw(results, paths, out, sessions=None, wanted=None):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.fonttype"] = "none"
    scored = [(r, p) for r, p in zip(results, paths) if "sessions" in r["tables"]]
    with_series = {name: [(r, p) for r, p in scored if name in r.get("series", {})] for name in ("train_curve", "few_shot")}
    decoded = [(r, p) for r, p in scored if trajectories_of(r)]
    maps = [r for r in results if "units" in r["tables"]]
    shown = shown_sessions(decoded, sessions)
    panels = [(draw_sessions, scored), (draw_training, with_series["train_curve"]), (draw_few_shot, with_series["few_shot"])]
    panels = [(panel, drawn) for panel, drawn in panels if drawn]
    if wanted == "trajectories":
        panels, maps = [], []
    elif wanted == "units":
        panels, shown = [], []
    elif wanted is not None:
        panels, shown, maps = [p for p in panels if p[0] is PANELS[wanted]], [], []
    rows = [4.5] * bool(panels) + [3.2] * len(shown) + [4.6] * len(maps)
    if not rows:
        raise PlotError(BAD_DATA, f"--panel {wanted}: found nothing to draw in {', '.join(paths)}")
    width = 1 + 5.7 * max(len(panels), 2 if shown or maps else 1)
    figure = pyplot.figure(figsize=(width, sum(rows)), layout="constrained")
    parts = iter(np.atleast_1d(figure.subfigures(len(rows), 1, height_ratios=rows)))
    if panels:
        axes = next(parts).subplots(1, len(panels), squeeze=False)[0]
        for axis, (panel, drawn) in zip(axes, panels):
            panel(axis, *zip(*drawn))
    for session in shown:
        draw_trajectories(next(parts), session, decoded)
    for result in maps:
        draw_units(next(parts), result)
    save(figure, out, 120)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", metavar="RESULT.json", help="of train, eval, baseline, decode or embed; '-': stdin")
    parser.add_argument("--out", metavar="FILE", help="PNG or SVG (default: poyo-decode.png beside the first result)")
    parser.add_argument("--sessions", metavar="LIST", help="whose decoded movement to show (default: the first of each task)")
    parser.add_argument("--panel", choices=PANELS, help="only this one (default: whatever the results hold)")

    def body(args):
        out = picture_path(args.out, args.results, "poyo-decode")
        draw([read(p) for p in args.results], args.results, out,
             args.sessions.split(",") if args.sessions else None, args.panel)
    run(parser, body)


if __name__ == "__main__":
    main()
