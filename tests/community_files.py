"""Recordings written and read back by their communities' own Python libraries, for the test of our readers.

usage: python community_files.py OUT_DIR

Beside each file FILE lie FILE.expected.npy (the values that the library reads, [channels, samples] or [epochs, channels,
samples], in V, T or T/m), FILE.events.csv (onset_s from the first sample, duration_s, label) and FILE.facts.csv (how to read
it, rate, names). recordings.csv lists them. Where a library is missing its files are left out, with the reason on stdout.
Images are [voxels, times] with the first axis fastest and their affine as names; matrices have no names and rate 1. The libraries'
versions are those of community_requirements.txt.
"""

import csv
import datetime
import importlib
import pathlib
import sys

import numpy as np

START = datetime.datetime(2024, 3, 2, 10, 11, 12, tzinfo=datetime.timezone.utc)
RATE = 200.0


class Folder:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.names = []

    def __truediv__(self, name):
        return self.path / name

    def add(self, name, values, names, rate, events, picks="auto", keep_bads=0, gaps_zero=0):
        """Writes what is expected of the file `name`."""
        np.save(f"{self / name}.expected.npy", np.asarray(values, dtype=np.float64))
        self.table(f"{name}.events.csv", ["onset_s", "duration_s", "label"], [[repr(float(a)), repr(float(b)), c] for a, b, c in events])
        self.table(f"{name}.facts.csv", ["picks", "keep_bads", "gaps_zero", "rate_hz", "names", "events"],
                   [[picks, keep_bads, gaps_zero, repr(float(rate)), "|".join(names), len(events)]])
        self.names.append(name)

    def table(self, name, columns, rows):
        with open(self / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *rows])


def annotations_of(raw):
    """From the first sample on, in order of time; mne tells a gap twice, once from the file and once from the data."""
    return sorted({(round(a["onset"] - raw.first_time, 9), round(a["duration"], 9), str(a["description"])) for a in raw.annotations})


def mixed_raw(mne, seconds=12, first_sample=700, dated=True):
    """Three magnetometers, two gradiometers, three EEG, EOG and stimulus, of realistic magnitudes."""
    kinds = ["mag"] * 3 + ["grad"] * 2 + ["eeg"] * 3 + ["eog", "stim"]
    names = ["MEG 0111", "MEG 0121", "MEG 0131", "MEG 0112", "a gradiometer with a long name", "Fp1", "Cz", "Oz", "EOG 061", "STI 014"]
    scale = np.array([1e-12] * 3 + [1e-11] * 2 + [2e-5] * 3 + [1e-4, 0])[:, None]
    n = int(seconds * RATE)
    data = np.random.default_rng(6).standard_normal((len(kinds), n)) * scale
    data[-1, ::100] = 5
    raw = mne.io.RawArray(data, mne.create_info(names, RATE, kinds), first_samp=first_sample, verbose="error")
    for channel, step in zip(raw.info["chs"], scale[:, 0]):
        channel["cal"] = step / 1000 or 1.0  # what one step of an integer sample means
    if dated:
        raw.set_meas_date(START)
    raw.info["bads"] = ["MEG 0121", "a gradiometer with a long name", "Cz"]
    shift = first_sample / RATE if dated else 0
    raw.set_annotations(mne.Annotations([shift + 1, shift + 2.5, shift + 7.25], [0.5, 0, 2], ["face", "BAD: blink", "house"],
                                        orig_time=START if dated else None))
    return raw


def picked(mne, info, picks="auto", keep_bads=0, gaps_zero=0):
    """Our options in mne's words."""
    if picks == "all":
        return np.arange(len(info.ch_names))
    kinds = {"auto": {"meg": True}, "mag": {"meg": "mag"}, "grad": {"meg": "grad"}, "eeg": {"eeg": True}}[picks]
    return mne.pick_types(info, exclude=[] if keep_bads else "bads", **kinds)


def write_raw_fif(mne, out):
    raw = mixed_raw(mne)
    raw.add_proj(mne.compute_proj_raw(raw, n_grad=1, n_mag=1, n_eeg=0, verbose="error"))
    undated = mixed_raw(mne, dated=False)
    gap = mixed_raw(mne)
    gap.set_annotations(gap.annotations + mne.Annotations(gap.first_time + 4, 2, "BAD_ACQ_SKIP", orig_time=START))
    large = mixed_raw(mne, seconds=400)
    for name, source, options, save in [
            ("single_raw.fif", raw, {}, {"fmt": "single"}),
            ("int16_raw.fif", raw, {"picks": "eeg", "keep_bads": 1}, {"fmt": "short"}),
            ("int32_raw.fif", raw, {"picks": "mag"}, {"fmt": "int"}),
            ("double_raw.fif.gz", raw, {"picks": "grad", "keep_bads": 1}, {"fmt": "double"}),
            ("undated_raw.fif", undated, {"picks": "all", "keep_bads": 1}, {"fmt": "single"}),
            ("gap_raw.fif", gap, {"gaps_zero": 1}, {"fmt": "single", "buffer_size_sec": 1}),
            ("split_raw.fif", large, {}, {"fmt": "single", "split_size": "2MB", "buffer_size_sec": 1})]:
        source.save(out / name, overwrite=True, verbose="error", **save)
        back = mne.io.read_raw_fif(out / name, verbose="error")
        chosen = picked(mne, back.info, **options)
        out.add(name, back.get_data(picks=chosen), [back.ch_names[i] for i in chosen], back.info["sfreq"], annotations_of(back),
                **options)


def write_epochs_fif(mne, out):
    raw = mixed_raw(mne, seconds=120)
    events = np.array([[raw.first_samp + 300 + 150 * i, 0, 1 + i % 3] for i in range(140)])
    labels = {"face/known": 1, "house": 2, "a:b": 3}
    for name, save in [("single-epo.fif", {"fmt": "single"}), ("double-epo.fif.gz", {"fmt": "double"}),
                       ("split-epo.fif", {"fmt": "double", "split_size": "1.1MB"})]:
        epochs = mne.Epochs(raw, events, labels, tmin=-0.1, tmax=0.5, preload=True, reject_by_annotation=False, verbose="error")
        epochs.save(out / name, overwrite=True, verbose="error", **save)
        back = mne.read_epochs(out / name, verbose="error")
        chosen = picked(mne, back.info)
        names = {number: label for label, number in back.event_id.items()}
        out.add(name, back.get_data(picks=chosen), [back.ch_names[i] for i in chosen], back.info["sfreq"],
                [(sample / RATE, 0, names[number]) for sample, _, number in back.events])


def write_edf(mne, edfio, out):
    random = np.random.default_rng(7)
    seconds, rate = 8, 128
    for ending, signal, writer, read in [("edf", edfio.EdfSignal, edfio.Edf, mne.io.read_raw_edf),
                                         ("bdf", edfio.BdfSignal, edfio.Bdf, mne.io.read_raw_bdf)]:
        signals = [signal(random.standard_normal(seconds * rate) * size, rate, label=label, physical_dimension=unit)
                   for label, unit, size in [("EEG Fp1", "uV", 40), ("EEG Cz", "mV", 0.04), ("ECG", "V", 1e-3)]]
        notes = [edfio.EdfAnnotation(1.5, 0.25, "left"), edfio.EdfAnnotation(3.125, None, "right; n\u00f8")]
        writer(signals, annotations=notes, starttime=datetime.time(10, 11, 12), data_record_duration=1).write(out / f"edfio.{ending}")
        back = read(out / f"edfio.{ending}", verbose="error")
        out.add(f"edfio.{ending}", back.get_data(), back.ch_names, back.info["sfreq"], annotations_of(back))
        raw = mixed_raw(mne, first_sample=0).pick("eeg")
        mne.export.export_raw(out / f"mne.{ending}", raw, overwrite=True, verbose="error")
        back = read(out / f"mne.{ending}", verbose="error")
        out.add(f"mne.{ending}", back.get_data(), back.ch_names, back.info["sfreq"], annotations_of(back))


def write_brainvision(mne, pybv, out):
    data = np.random.default_rng(8).standard_normal((3, 1000)) * 3e-5
    events = np.array([[10, 1, 1], [500, 2, 100]])
    for name, save in [("float32", {"fmt": "binary_float32", "resolution": 0.1}), ("int16", {"fmt": "binary_int16", "resolution": 0.01}),
                       ("units", {"fmt": "binary_float32", "unit": ["\u00b5V", "mV", "nV"]})]:
        pybv.write_brainvision(data=data, sfreq=250, ch_names=["Fp1", "Cz, left", "Oz"], fname_base=name, folder_out=out.path,
                               overwrite=True, events=events, meas_date=START, **save)
        back = mne.io.read_raw_brainvision(out / f"{name}.vhdr", verbose="error")
        out.add(f"{name}.vhdr", back.get_data(), back.ch_names, back.info["sfreq"], annotations_of(back))


def write_annot(nibabel, out):
    """The expected values are the labels; the names are those of the table."""
    random = np.random.default_rng(9)
    names = ["unknown", "17Networks_LH_VisCent_1", "17Networks_LH_SomMotA_1", "17Networks_LH_DefaultB_1"]
    colours = np.array([[1, 1, 1, 0], [120, 18, 134, 0], [70, 130, 180, 0], [255, 255, 0, 0]])
    labels = random.integers(0, len(names), 500)
    nibabel.freesurfer.write_annot(out / "lh.test.annot", labels, colours, names, fill_ctab=True)
    back, _, table = nibabel.freesurfer.read_annot(out / "lh.test.annot")
    out.add("lh.test.annot", back[None], [name.decode() for name in table], 1, [])


def write_nifti(nibabel, out):
    """The names are the affine, row by row; the rate is one over the repetition time."""
    random = np.random.default_rng(10)
    affine = np.array([[-3, 0.1, 0, 90], [0, 3, 0.2, -126], [0.1, 0, 4, -72], [0, 0, 0, 1.0]])
    whole = random.integers(-3000, 3000, (4, 5, 3, 6)).astype(np.int16)
    for name, kind, values, order, unit in [("int16.nii.gz", nibabel.Nifti1Image, whole, "<", "sec"),
                                            ("big.nii", nibabel.Nifti1Image, whole.astype(np.float32) / 7, ">", "msec"),
                                            ("two.nii.gz", nibabel.Nifti2Image, whole / 7, "<", "sec"),
                                            ("scaled.nii", nibabel.Nifti1Image, whole / 7, "<", "sec")]:
        header = kind.header_class(endianness=order)
        header.set_data_dtype(np.int16 if name == "scaled.nii" else values.dtype)
        header.set_data_shape(values.shape)
        header.set_xyzt_units("mm", unit)
        header["pixdim"][4] = 720 if unit == "msec" else 0.72
        image = kind(values, affine, header)
        image.to_filename(out / name)
        back = nibabel.load(out / name)
        add_volumes(out, name, back)
    quaternion = nibabel.Nifti1Image(whole, None)
    quaternion.set_qform(nibabel.affines.from_matvec(nibabel.eulerangles.euler2mat(0.3, -0.2, 1.1) * [2, 3, -4], [1, 2, 3]), 1)
    quaternion.set_sform(None, 0)
    quaternion.header["pixdim"][4] = 2
    quaternion.to_filename(out / "quaternion.nii")
    add_volumes(out, "quaternion.nii", nibabel.load(out / "quaternion.nii"))


def add_volumes(out, name, image):
    step = float(image.header["pixdim"][4]) * (1e-3 if image.header.get_xyzt_units()[1] == "msec" else 1)
    out.add(name, image.get_fdata().reshape(-1, image.shape[-1], order="F"), [f"{a + 0.0:.3f}" for a in image.affine[:3].flat], 1 / step,
            [])


def write_gifti(nibabel, out):
    gifti = nibabel.gifti
    random = np.random.default_rng(11)
    data = random.standard_normal((30, 7)).astype(np.float32)
    for encoding in ("ASCII", "B64BIN", "B64GZ"):
        meta = gifti.GiftiMetaData(TimeStep="1500.0")
        arrays = [gifti.GiftiDataArray(column, "NIFTI_INTENT_TIME_SERIES", "NIFTI_TYPE_FLOAT32",
                                       encoding=f"GIFTI_ENCODING_{encoding}", meta=meta) for column in data.T.copy()]
        name = f"{encoding.lower()}.func.gii"
        gifti.GiftiImage(darrays=arrays).to_filename(out / name)
        back = nibabel.load(out / name)
        out.add(name, np.stack([a.data for a in back.darrays], axis=1), [], 1 / 1.5, [])
    table = gifti.GiftiLabelTable()
    for key, name in enumerate(["???", "17Networks_LH_VisCent_1", "17Networks_LH_SomMotA_1"]):
        label = gifti.GiftiLabel(key, 0.1 * key, 0.5, 0.5, 1)
        label.label = name
        table.labels.append(label)
    labels = random.integers(0, 3, 40).astype(np.int32)
    image = gifti.GiftiImage(darrays=[gifti.GiftiDataArray(labels, "NIFTI_INTENT_LABEL", "NIFTI_TYPE_INT32")], labeltable=table)
    image.to_filename(out / "lh.label.gii")
    back = nibabel.load(out / "lh.label.gii")
    out.add("lh.label.gii", np.where(back.darrays[0].data == 0, -1, back.darrays[0].data)[None], list(back.labeltable.get_labels_as_dict().values()), 1, [])


def write_cifti(nibabel, out):
    axes = nibabel.cifti2
    random = np.random.default_rng(12)
    times = axes.SeriesAxis(start=0, step=0.72, size=9)
    left = axes.BrainModelAxis.from_surface(np.arange(2, 12), 20, name="CortexLeft")
    right = axes.BrainModelAxis.from_surface(np.arange(8), 20, name="CortexRight")
    parcels = axes.ParcelsAxis.from_brain_models([("V1", left), ("V2", right), ("both", left + right)])
    names = [f"{structure.removeprefix('CIFTI_STRUCTURE_')}/{vertex}" for model in (left, right)
             for structure, vertex in zip(model.name, model.vertex)]
    for name, rows, labels in [("rest.ptseries.nii", parcels, ["V1", "V2", "both"]), ("rest.dtseries.nii", left + right, names)]:
        data = random.standard_normal((9, len(rows))).astype(np.float32)
        nibabel.Cifti2Image(data, (times, rows)).to_filename(out / name)
        back = nibabel.load(out / name)
        out.add(name, back.get_fdata().T, labels, 1 / 0.72, [])


def write_matlab(scipy_io, out):
    random = np.random.default_rng(13)
    data = random.standard_normal((6, 50))
    for name, values, compressed in [("v5.mat", data, False), ("v7.mat", data, True), ("single.mat", data.astype(np.float32), True),
                                     ("int16.mat", (1000 * data).astype(np.int16), False)]:
        scipy_io.savemat(out / name, {"tc": values, "fs": 50.0, "who": "sub-01", "c": np.array([["a", 1]], dtype=object)},
                         do_compression=compressed)
        out.add(name, scipy_io.loadmat(out / name)["tc"].astype(np.float64), [], 1, [])


def write_hdf5(h5py, out):
    random = np.random.default_rng(14)
    data = random.standard_normal((6, 50))
    with h5py.File(out / "v73.mat", "w", userblock_size=512) as file:
        file.create_dataset("tc", data=data.T, chunks=(10, 6), compression="gzip").attrs["MATLAB_class"] = np.bytes_("double")
        file.create_dataset("fs", data=[[50.0]]).attrs["MATLAB_class"] = np.bytes_("double")
    with open(out / "v73.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: test".ljust(116) + bytes(8) + b"\x00\x02IM")
    with h5py.File(out / "v73.mat") as file:
        out.add("v73.mat", file["tc"][()].T, [], 1, [])
    with h5py.File(out / "plain.h5", "w") as file:
        file["rest/bold"] = data.astype(">f4")
        file["rest/names"] = [f"parcel {i}" for i in range(6)]
    with h5py.File(out / "plain.h5") as file:
        out.add("plain.h5", file["rest/bold"][()], [], 1, [])


def write_numpy(_, out):
    random = np.random.default_rng(15)
    data = random.standard_normal((6, 50))
    for name, values in [("half.npy", data.astype(np.float16)), ("fortran.npy", np.asfortranarray(data))]:
        np.save(out / name, values)
        out.add(name, np.load(out / name), [], 1, [])
    for name, save in [("stored.npz", np.savez), ("packed.npz", np.savez_compressed)]:
        save(out / name, x=data.astype(np.float32), labels=np.arange(50))
        out.add(name, np.load(out / name)["x"], [], 1, [])
    np.savetxt(out / "table.csv", data, delimiter=",", header=",".join(f"roi {i}" for i in range(50)), comments="")
    out.add("table.csv", np.loadtxt(out / "table.csv", delimiter=",", skiprows=1), [], 1, [])


def main(folder):
    out = Folder(folder)
    for write, libraries in [(write_raw_fif, ["mne"]), (write_epochs_fif, ["mne"]), (write_edf, ["mne", "edfio"]),
                             (write_brainvision, ["mne", "pybv"]), (write_annot, ["nibabel"]),
                             (write_nifti, ["nibabel"]), (write_gifti, ["nibabel"]), (write_cifti, ["nibabel"]),
                             (write_matlab, ["scipy.io"]), (write_hdf5, ["h5py"]), (write_numpy, ["numpy"])]:
        try:
            modules = [importlib.import_module(library) for library in libraries]
        except ImportError as error:
            print(f"SKIPPED: {write.__name__}: {error}")
            continue
        write(*modules, out)
    out.table("recordings.csv", ["file"], [[name] for name in out.names])
    print(f"{len(out.names)} files in {out.path}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python community_files.py OUT_DIR")
    main(sys.argv[1])
