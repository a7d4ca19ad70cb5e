"""Draws result.json files of samba-align: training, correlation by parcel, true and translated series, responses and bands."""

import argparse
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/plot"))
from result_files import BAD_DATA, PlotError, picture_path, read_result, run, save  # noqa: E402

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")


def read(path):
    result = read_result(path, "samba-align", ("train", "eval", "baseline", "prepare"))
    if result["subcommand"] == "prepare":
        return result
    if "parcels" not in result.get("tables", {}):
        raise PlotError(BAD_DATA, f"{path}: found no table parcels, expected scores (a dry run has none)")
    return result


def label_of(result, path):
    if result["subcommand"] == "baseline":
        return result["config"]["kind"]
    name = pathlib.Path(path).parent.name or path
    return name + (" (partial)" if result["status"] == "partial" else "")


def column(result, table, name):
    table = result["tables"][table]
    at = table["columns"].index(name)
    return np.array([np.nan if row[at] is None else row[at] for row in table["rows"]])


def draw_training(axes, results, paths):
    for i, (result, path) in enumerate(zip(results, paths)):
        curves = {n: s["columns"] for n, s in result.get("series", {}).items() if n.startswith("train_curve")}
        seeds = [n for n in curves if "/" in n] or list(curves)
        for name in seeds:
            colour = COLOURS[i % len(COLOURS)]
            x = curves[name]["iteration"]
            axes.plot(x, np.array(curves[name]["train_loss"], dtype=float), color=colour, lw=1, ls="--")
            axes.plot(x, np.array(curves[name]["valid_loss"], dtype=float), color=colour, lw=1.5,
                      label=label_of(result, path) if name == seeds[0] else None)
    axes.set_xlabel("iteration")
    axes.set_ylabel("1 - cosine (dashed: training)")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=8, frameon=False)


def draw_parcels(axes, results, paths):
    """Correlation of every parcel, ascending, the mean over seeds."""
    for i, (result, path) in enumerate(zip(results, paths)):
        parcel, r = column(result, "parcels", "parcel").astype(int), column(result, "parcels", "pearson").astype(float)
        mean = [np.nanmean(r[parcel == p]) for p in np.unique(parcel)]
        value = result["metrics"]["pearson"]["value"]
        axes.plot(np.sort(mean), color=COLOURS[i % len(COLOURS)], lw=1.5,
                  label=label_of(result, path) + ("" if value is None else f", mean {value:.3f}"))
    axes.axhline(0, color="black", lw=0.4)
    axes.set_xlabel("parcel of the fMRI, by correlation")
    axes.set_ylabel("r, true and translated")
    axes.legend(fontsize=8, frameon=False)


def draw_example(axes, result):
    columns = result["series"]["example"]["columns"]
    parcels = [n.split("/")[1] for n in columns if n.startswith("true/")]
    shown = slice(0, min(120, len(columns["frame"])))

    def standardised(v):
        v = np.array(v, dtype=float)[shown]
        return (v - v.mean()) / (v.std() or 1)

    for k, parcel in enumerate(parcels):
        at = -5 * k
        axes.plot(standardised(columns[f"true/{parcel}"]) + at, color="black", lw=1.2, label="true" if k == 0 else None)
        axes.plot(standardised(columns[f"translated/{parcel}"]) + at, color=COLOURS[1], lw=1.2,
                  label="translated" if k == 0 else None)
    axes.set_yticks([-5 * k for k in range(len(parcels))], [f"parcel {p}" for p in parcels])
    axes.set_xlabel("frame of the reported windows (best, median and worst parcel)")
    axes.legend(fontsize=8, frameon=False, loc="upper right", ncols=2)


def draw_responses(axes, result):
    columns = result["series"]["responses"]["columns"]
    for name, curve in columns.items():
        if name != "time_s":
            axes.plot(columns["time_s"], curve, color=COLOURS[0], lw=0.8, alpha=0.6)
    axes.set_xlabel("seconds")
    axes.set_ylabel("learned responses over their peaks")
    r = result["metrics"].get("hrf_peak_r", {}).get("value")
    if r is not None:
        axes.set_title(f"times to peak against the true ones: r = {r:.2f}", fontsize=9)


def draw_bands(axes, results, paths):
    width = 0.8 / (len(results) + 1)
    bands = results[0]["tables"]["bands"]
    at = {name: i for i, name in enumerate(bands["columns"])}
    first = [r for r in bands["rows"] if r[at["seed"]] == bands["rows"][0][at["seed"]]]
    names = [f"{r[at['low_hz']]:g}-{r[at['high_hz']]:g} Hz" for r in first]
    x = np.arange(len(names))
    axes.bar(x - 0.4 + width / 2, [r[at["share"]] for r in first], width * 0.95, color="#bbbbbb", label="share of the coefficients")
    for i, (result, path) in enumerate(zip(results, paths)):
        band, mass = column(result, "bands", "band"), column(result, "bands", "mass").astype(float)
        means = [mass[band == r[at["band"]]].mean() for r in first]
        axes.bar(x - 0.4 + width * (i + 1.5), means, width * 0.95, color=COLOURS[i % len(COLOURS)], label=label_of(result, path))
    axes.set_xticks(x, names, fontsize=8)
    axes.set_ylabel("wavelet attention")
    axes.legend(fontsize=8, frameon=False)


def draw_correlations(results, paths, out):
    """Of prepared recordings: the functional graph of every modality, before edges are chosen."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    shown = [(f"{pathlib.Path(r['config']['out']).name}: {title}", np.array(r["tables"][name]["rows"], dtype=float))
             for r in results for name, title in (("correlation_ele", "electrophysiology"), ("correlation_hemo", "fMRI"))
             if name in r["tables"]]
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(5 * columns, 4.4 * rows), layout="constrained", squeeze=False)
    for axis, (title, matrix) in zip(axes.flat, shown):
        image = axis.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r", interpolation="nearest")
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("parcel")
        axis.set_ylabel("parcel")
        figure.colorbar(image, ax=axis, label="r over the recording", shrink=0.8)
    for axis in axes.flat[len(shown):]:
        axis.set_axis_off()
    save(figure, out, 110)


def draw(results, paths, out):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.fonttype"] = "none"
    trained = [(r, p) for r, p in zip(results, paths) if any(n.startswith("train_curve") for n in r.get("series", {}))]
    panels = [lambda a: draw_training(a, *zip(*trained))] * bool(trained)
    learned = [(r, p) for r, p in zip(results, paths) if "bands" in r["tables"]]
    panels += [lambda a: draw_parcels(a, results, paths)]
    panels += [lambda a: draw_bands(a, *zip(*learned))] * bool(learned)
    panels += [lambda a: draw_example(a, results[0])]
    if "responses" in results[0]["series"]:
        panels.append(lambda a: draw_responses(a, results[0]))
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(5 * columns, 3.8 * rows), layout="constrained", squeeze=False)
    for axis, panel in zip(axes.flat, panels):
        panel(axis)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes.flat[len(panels):]:
        axis.set_axis_off()
    save(figure, out, 110)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", metavar="RESULT.json", help="of train, eval or baseline, or of prepare; '-': stdin")
    parser.add_argument("--out", metavar="FILE", help="PNG or SVG (default: samba-align.png beside the first result)")

    def body(args):
        out = picture_path(args.out, args.results, "samba-align")
        results = [read(p) for p in args.results]
        prepared = [r["subcommand"] == "prepare" for r in results]
        if any(prepared) and not all(prepared):
            raise PlotError(BAD_DATA, "found results of prepare beside others, expected them in a picture of their own")
        (draw_correlations if all(prepared) else draw)(results, args.results, out)
    run(parser, body)


if __name__ == "__main__":
    main()
