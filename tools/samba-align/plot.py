"""Draws result.json files of samba-align: training, correlation by parcel, true and translated series, responses and bands; of
classify how well features tell the stimulus, and whom it takes for whom; of hrf the responses and their parameters."""

import argparse
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/plot"))
from result_files import BAD_DATA, PlotError, picture_path, read_result, run, save  # noqa: E402

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")


# What a result of a subcommand must have to be drawn.
TABLES = {"train": "parcels", "eval": "parcels", "baseline": "parcels", "classify": "features", "hrf": "hrf"}


def read(path):
    result = read_result(path, "samba-align", (*TABLES, "prepare"))
    if result["subcommand"] == "prepare":
        return result
    table = TABLES[result["subcommand"]]
    if table not in result.get("tables", {}):
        raise PlotError(BAD_DATA, f"{path}: found no table {table}, expected scores (a dry run has none)")
    return result


def label_of(result, path):
    if result["subcommand"] == "baseline":
        return result["model"]["kind"]
    name = pathlib.Path(path).parent.name or path
    return name + (" (partial)" if result["status"] == "partial" else "")


def column(result, table, name):
    table = result["tables"][table]
    at = table["columns"].index(name)
    return np.array([np.nan if row[at] is None else row[at] for row in table["rows"]])


def draw_training(axes, results, paths):
    for result, path in zip(results, paths):
        curves = {n: s["columns"] for n, s in result.get("series", {}).items() if n.startswith("train_curve")}
        seeds = [n for n in curves if "/" in n] or list(curves)
        for name in seeds:
            colour = result["colour"]
            x = curves[name]["iteration"]
            dots = "." if len(x) < 3 else None
            axes.plot(x, np.array(curves[name]["train_loss"], dtype=float), color=colour, lw=1, ls="--", marker=dots)
            axes.plot(x, np.array(curves[name]["valid_loss"], dtype=float), color=colour, lw=1.5, marker=dots,
                      label=label_of(result, path) if name == seeds[0] else None)
    axes.set_xlabel("iteration")
    axes.set_ylabel("1 - cosine (dashed: training)")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=8, frameon=False)


def draw_parcels(axes, results, paths):
    """Correlation of every parcel, ascending, the mean over seeds."""
    for result, path in zip(results, paths):
        parcel, r = column(result, "parcels", "parcel").astype(int), column(result, "parcels", "pearson").astype(float)
        mean = [np.nanmean(r[parcel == p]) for p in np.unique(parcel)]
        value = result["metrics"]["pearson"]["value"]
        axes.plot(np.sort(mean), color=result["colour"], lw=1.5,
                  label=label_of(result, path) + ("" if value is None else f", mean {value:.3f}"))
    low, high = axes.get_ylim()
    low = min(low, 0)
    axes.set_ylim(low - 0.09 * (len(results) + 0.7) * max(high - low, 0.1), high)  # room for the legend
    axes.axhline(0, color="black", lw=0.4)
    axes.set_xlabel("parcel, by correlation")
    axes.set_ylabel("r, true and translated")
    axes.legend(fontsize=8, frameon=False, loc="lower right")


def draw_example(axes, result, path):
    columns = result["series"]["example"]["columns"]
    back = result["model"].get("direction") == "hemo2ele"
    parcels = [n.split("/")[1] for n in columns if n.startswith("true/")]
    # The first sample was given, not translated.
    shown = slice(1 if back else 0, min(600 if back else 120, len(columns["frame"])))

    def shown_of(name):
        return np.array(columns[name], dtype=float)[shown]

    def standardised(v):
        return (v - v.mean()) / (v.std() or 1)

    for k, parcel in enumerate(parcels):
        at = -5 * k
        axes.plot(standardised(shown_of(f"true/{parcel}")) + at, color="black", lw=1.2, label="true" if k == 0 else None)
        translated = shown_of(f"translated/{parcel}")
        middle = standardised(translated) + at
        axes.plot(middle, color=COLOURS[1], lw=1.2, label="translated" if k == 0 else None)
        if f"deviation/{parcel}" in columns:
            spread = shown_of(f"deviation/{parcel}") / (translated.std() or 1)
            axes.fill_between(np.arange(len(middle)), middle - spread, middle + spread, color=COLOURS[1], alpha=0.25, lw=0,
                              label="deviation under dropout" if k == 0 else None)
    axes.set_yticks([-5 * k for k in range(len(parcels))], [f"parcel {p}" for p in parcels])
    axes.set_ylim(-5 * len(parcels) + 1.5, 7)
    axes.set_title(f"{label_of(result, path)}: best, median and worst parcel", fontsize=9)
    axes.set_xlabel(f"{'sample' if back else 'frame'} of the windows")
    axes.legend(fontsize=8, frameon=False, loc="upper right", ncols=3)


def draw_spectra(axes, result):
    columns = {n: np.array(c, dtype=float) for n, c in result["series"]["spectra"]["columns"].items()}
    for name, colour in (("true", "black"), ("translated", COLOURS[1])):
        axes.semilogy(columns["frequency_hz"][1:], columns[name][1:], color=colour, lw=1.5, label=name)
    axes.set_xlabel("Hz")
    axes.set_ylabel("power density, median parcel (1/Hz)")
    axes.legend(fontsize=8, frameon=False)


def draw_band_power(axes, results, paths):
    width = 0.8 / len(results)
    for i, (result, path) in enumerate(zip(results, paths)):
        low, high = column(result, "band_power", "low_hz"), column(result, "band_power", "high_hz")
        r = column(result, "band_power", "r").astype(float)
        names = ["below 1 Hz"] + [f"{a:g}-{b:g} Hz" for a, b in sorted(set(zip(low, high)))]
        means = [result["metrics"]["slow_r"]["value"] or 0] + [np.nanmean(r[low == a]) for a in sorted(set(low))]
        axes.bar(np.arange(len(names)) - 0.4 + width * (i + 0.5), means, width * 0.95, color=result["colour"],
                 label=label_of(result, path))
    axes.set_xticks(np.arange(len(names)), names, fontsize=8)
    axes.axhline(0, color="black", lw=0.4)
    axes.set_ylabel("r: slow part, log band power")
    axes.legend(fontsize=8, frameon=False)


def draw_kinds(axes, result):
    """Of a baseline of all kinds."""
    names, r = column(result, "kinds", "kind"), column(result, "kinds", "pearson").astype(float)
    axes.barh(np.arange(len(names)), np.nan_to_num(r), color=result["colour"])
    for i, value in enumerate(r):
        axes.text(max(np.nan_to_num(value), 0), i, " none" if np.isnan(value) else f" {value:.3f}", va="center", fontsize=8)
    axes.set_yticks(np.arange(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("baselines: r, true and translated")
    axes.margins(x=0.15)


def draw_responses(axes, result, path=None):
    columns = result["series"]["responses"]["columns"]
    for name, curve in columns.items():
        if name != "time_s":
            axes.plot(columns["time_s"], curve, color=COLOURS[0], lw=0.8, alpha=0.6)
    axes.set_xlabel("seconds")
    axes.set_ylabel("learned responses over their peaks")
    r = result["metrics"].get("hrf_peak_r", {}).get("value")
    name = f"{label_of(result, path)}: " if path else ""
    axes.set_title(name + ("responses" if r is None else f"times to peak and the true ones: r = {r:.2f}"), fontsize=9)


def draw_graph_attention(axes, result, modality):
    """Of the first seed: what the parcels of a region (row) hear of each other one, networks before other groups."""
    table = result["tables"]["graph_attention"]
    rows = [dict(zip(table["columns"], row)) for row in table["rows"]]
    rows = [r for r in rows if r["modality"] == modality and r["seed"] == table["rows"][0][0]]
    rows = [r for r in rows if r["by"] == rows[0]["by"]]
    names = list(dict.fromkeys(r["to"] for r in rows))
    mass = np.array([r["mass"] for r in rows]).reshape(len(names), len(names))
    image = axes.imshow(mass, cmap="viridis", vmin=0, interpolation="nearest")
    axes.set_xticks(range(len(names)), names, fontsize=7, rotation=90)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel(f"heard {rows[0]['by']}")
    axes.set_ylabel(f"{dict(ele='electrophysiology', hemo='fMRI')[modality]}, by {rows[0]['by']}")
    axes.figure.colorbar(image, ax=axes, label="graph attention", shrink=0.8)


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
        axes.bar(x - 0.4 + width * (i + 1.5), means, width * 0.95, color=result["colour"], label=label_of(result, path))
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


def draw_accuracies(axes, result):
    """Accuracy of every set of features, the mean over seeds."""
    split, names, accuracy = (column(result, "features", n) for n in ("split", "features", "accuracy"))
    shown = list(dict.fromkeys(names))
    splits = list(dict.fromkeys(split))
    width = 0.8 / len(splits)
    for i, name in enumerate(splits):
        means = [accuracy[(split == name) & (names == n)].astype(float).mean() for n in shown]
        axes.bar(np.arange(len(shown)) - 0.4 + width * (i + 0.5), means, width * 0.95, color=COLOURS[i % len(COLOURS)], label=name)
    majority = column(result, "features", "majority_rate").astype(float)
    for i, name in enumerate(splits):
        axes.axhline(majority[split == name].mean(), color=COLOURS[i % len(COLOURS)], lw=0.8, label="majority rates" if i == 0 else None)
    axes.axhline(result["metrics"]["chance"]["value"], color="black", lw=0.8, ls=":", label="chance")
    axes.set_xticks(range(len(shown)), shown, fontsize=8)
    axes.set_ylim(0, 1.3)
    axes.set_ylabel("accuracy, stimulus category")
    axes.legend(fontsize=7, frameon=False, loc="upper right", ncols=3)


def draw_confusion(axes, result):
    """Of the reported latent, all seeds together, each row over its sum."""
    shown = result["model"]["latent"]
    table = result["tables"]["confusion"]
    rows = [dict(zip(table["columns"], row)) for row in table["rows"]]
    rows = [r for r in rows if r["split"] == "parts" and r["features"] == shown]
    names = sorted({r["true"] for r in rows})
    counts = np.zeros((len(names), len(names)))
    for r in rows:
        counts[names.index(r["true"]), names.index(r["predicted"])] += r["windows"]
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(share.shape):
        axes.text(j, i, f"{share[i, j]:.2f}", ha="center", va="center", fontsize=8, color="white" if share[i, j] > 0.6 else "black")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel(f"told from {shown}")
    axes.set_ylabel("category shown")


def draw_histogram(axes, result, name):
    columns = result["series"]["histograms"]["columns"]
    edges = np.array(columns[f"{name}_from"], dtype=float)
    axes.bar(edges, columns[name], edges[1] - edges[0], align="edge", color=COLOURS[0])
    axes.set_xlabel(dict(d1="response delay", d2="undershoot delay", s1="response dispersion, s", s2="undershoot dispersion, s",
                         c1="response scale", c2="undershoot scale")[name])
    axes.set_ylabel("parcels")
    axes.yaxis.get_major_locator().set_params(integer=True)


def panels_of(result):
    """Of a result that is drawn alone."""
    if result["subcommand"] == "classify":
        return [lambda a: draw_accuracies(a, result), lambda a: draw_confusion(a, result)]
    six = [lambda a, n=name: draw_histogram(a, result, n) for name in ("d1", "d2", "s1", "s2", "c1", "c2")]
    return [lambda a: draw_responses(a, result), *six]


def score_panels(results, paths):
    """Of train, eval and baseline together."""
    trained = [(r, p) for r, p in zip(results, paths) if any(n.startswith("train_curve") for n in r.get("series", {}))]
    panels = [lambda a: draw_training(a, *zip(*trained))] * bool(trained)
    learned = [(r, p) for r, p in zip(results, paths) if "bands" in r["tables"]]
    panels += [lambda a: draw_parcels(a, results, paths)]
    panels += [lambda a: draw_bands(a, *zip(*learned))] * bool(learned)
    panels += [lambda a, r=r: draw_kinds(a, r) for r in results if "kinds" in r["tables"] and len(r["tables"]["kinds"]["rows"]) > 1]
    # Series and responses are of the first that was trained.
    first, path = next(((r, p) for r, p in zip(results, paths) if r["subcommand"] != "baseline"), (results[0], paths[0]))
    panels += [lambda a: draw_example(a, first, path)]
    spectral = [(r, p) for r, p in zip(results, paths) if "band_power" in r["tables"]]
    panels += [lambda a: draw_spectra(a, spectral[0][0]), lambda a: draw_band_power(a, *zip(*spectral))] * bool(spectral)
    for result in [r for r in results if "graph_attention" in r["tables"]][:1]:
        modalities = dict.fromkeys(row[1] for row in result["tables"]["graph_attention"]["rows"])
        panels += [lambda a, m=modality: draw_graph_attention(a, result, m) for modality in modalities]
    if "responses" in first["series"]:
        panels.append(lambda a: draw_responses(a, first, path))
    return panels


def draw(results, paths, out):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.fonttype"] = "none"
    for i, result in enumerate(results):
        result["colour"] = COLOURS[i % len(COLOURS)]
    panels = [panel for r in results if r["subcommand"] in ("classify", "hrf") for panel in panels_of(r)]
    scored = [(r, p) for r, p in zip(results, paths) if r["subcommand"] not in ("classify", "hrf")]
    if scored:
        panels = score_panels(*zip(*scored)) + panels
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
    parser.add_argument("results", nargs="+", metavar="RESULT.json", help="of train, eval, baseline, classify and hrf, or of prepare; '-': stdin")
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
