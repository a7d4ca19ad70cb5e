"""samba-align and what users bring: info and prepare of many formats, and bad input of section 10."""

import gzip
import json
import pathlib
import struct
import subprocess
import sys
import unittest

import numpy as np

import tool_case

TOOL = tool_case.Tool(*sys.argv[1:4])
PLOT = pathlib.Path(sys.argv[4]).resolve()
SMALL = ["--preset", "small", "--hrf-hidden", "8,8", "--iterations", "2", "--batch-size", "4", "--eval-every", "2",
         "--dense", "8", "--quiet", "--threads", "1"]
FS, TR, FRAMES = 10, 2, 330


def nifti(path, values, tr=TR, unit=8, big=False, affine_x=0.0):
    """int16 or float32 values [x, y, z, (time)]."""
    order = ">" if big else "<"
    header = bytearray(352)
    struct.pack_into(order + "i", header, 0, 348)
    struct.pack_into(order + "8h", header, 40, values.ndim, *values.shape, *[1] * (7 - values.ndim))
    struct.pack_into(order + "h", header, 70, {"int16": 4, "float32": 16}[values.dtype.name])
    struct.pack_into(order + "8f", header, 76, 1, 2, 2, 2, tr, 0, 0, 0)
    struct.pack_into(order + "f", header, 108, 352)
    header[123] = unit
    struct.pack_into(order + "h", header, 254, 1)
    struct.pack_into(order + "12f", header, 280, 2, 0, 0, affine_x, 0, 2, 0, 0, 0, 0, 2, 0)
    header[344:348] = b"n+1\0"
    data = bytes(header) + values.astype(values.dtype.newbyteorder(order)).tobytes(order="F")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


class Case(tool_case.Case):
    tool = TOOL

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(1)
        self.ele = random.standard_normal((4, FRAMES * FS * TR))
        self.hemo = random.standard_normal((8, FRAMES))
        self.out = self.folder / "data"

    def save(self, name, values):
        np.save(self.folder / name, values)
        return self.folder / name

    def text(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def prepare(self, *more, ele=True, hemo=True, fs=FS, tr=TR, layout="ct", out=None):
        args = ["prepare", "--quiet", "--out", out or self.out]
        for flag, given, name in (("--ele", ele, "ele.npy"), ("--hemo", hemo, "hemo.npy")):
            if given is not False:
                args += [flag, self.save(name, self.ele if flag == "--ele" else self.hemo) if given is True else given]
        for flag, value in (("--fs", fs), ("--tr", tr), ("--layout", layout)):
            args += [flag, value] if value else []
        return [*args, *more]

    def result(self, *args):
        result = json.loads(self.done(*args).stdout)
        self.validate(result)
        return result

    def bad(self, *words, code=65, args):
        """Refused, and nothing is left behind."""
        self.refused(code, *words, args=args)
        self.assertFalse(self.out.exists())
        self.assertEqual([p.name for p in self.folder.iterdir() if p.name.startswith(("data", ".data"))], [])

    def manifest(self):
        return json.loads((self.out / "manifest.json").read_text())


class Prepared(Case):
    def test_a_prepared_folder_trains_and_info_shows_it(self):
        events = self.text("events.tsv", "onset\tduration\ttrial_type\n0\t300\tface\n300\t200\thouse\n")
        result = self.result(*self.prepare("--events", events))
        r = np.array(result["tables"]["correlation_hemo"]["rows"])
        np.testing.assert_allclose(r, np.corrcoef(self.hemo), atol=6e-5)
        np.testing.assert_array_equal(np.load(self.out / "sub-01/ele.npy"), self.ele.astype(np.float32))
        labels = np.load(self.out / "sub-01/labels.npy")
        np.testing.assert_array_equal(labels, np.repeat([0, 1, -1], [150, 100, 80]))
        manifest = self.manifest()
        self.assertEqual((manifest["fs"], manifest["tr"], manifest["block"], manifest["labels"]), (FS, TR, 20, ["face", "house"]))
        self.assertEqual(len(manifest["subjects"][0]["ele"][0]["sha256"]), 64)
        info = self.result("info", "--quiet", "--data", self.out, "--preset", "small")
        self.assertEqual(info["data"]["subjects"], ["sub-01"])
        self.assertGreater(info["data"]["test_windows"], 0)
        trained = self.result("train", *SMALL, "--patches", "2", "--data", self.out, "--out", self.folder / "run")
        self.assertEqual(len(trained["tables"]["parcels"]["rows"]), 8)

    def test_two_subjects_of_two_runs_keep_their_order(self):
        files = []
        for kind, values in (("ele", self.ele), ("hemo", self.hemo)):
            half = values.shape[1] // 2
            files.append([self.save(f"sub-{s}_run-{run}_{kind}.npy", values[:, half * run:half * (run + 1)] + 10 * s)
                          for s in (3, 1) for run in (0, 1)])
        join = [",".join(map(str, f)) for f in files]
        self.done(*self.prepare(ele=join[0], hemo=join[1]))
        self.assertEqual([s["name"] for s in self.manifest()["subjects"]], ["sub-3", "sub-1"])
        np.testing.assert_allclose(np.load(self.out / "sub-1/hemo.npy"), self.hemo + 10, rtol=1e-6)
        self.out.joinpath("manifest.json").unlink()
        self.refused(73, "holds other files", args=self.prepare(ele=join[0], hemo=join[1]))

    def test_a_subject_is_the_name_of_a_folder(self):
        for name in ("../evil", "a/b", ".."):
            self.bad("--subjects", f"'{name}'", code=64, args=self.prepare("--subjects", name))
        self.assertFalse((self.folder / "evil").exists())

    def test_what_is_read_is_not_replaced(self):
        self.done(*self.prepare())
        again = self.prepare(ele=self.out / "sub-01/ele.npy", hemo=self.out / "sub-01/hemo.npy")
        self.refused(73, "sub-01/ele.npy in it", args=again)
        np.testing.assert_array_equal(np.load(self.out / "sub-01/hemo.npy"), self.hemo.astype(np.float32))
        done = self.done(*[a for a in self.prepare() if a != "--quiet"])
        self.assertIn("replaces what was prepared", done.stderr)

    def test_events_of_a_series_lie_beside_it_and_missing_ones_are_none(self):
        bold = self.save("sub-01_task-x_bold.npy", self.hemo)
        self.text("sub-01_task-x_events.tsv", "onset\tduration\ttrial_type\n0\t100\tface\n100\t100\tn/a\n")
        self.done(*self.prepare(hemo=bold))
        self.assertEqual(self.manifest()["labels"], ["face"])
        np.testing.assert_array_equal(np.load(self.out / "sub-01/labels.npy"), np.repeat([0, -1], [50, FRAMES - 50]))

    def test_fmri_alone_is_prepared_and_not_trained(self):
        result = self.result(*self.prepare(ele=False))
        self.assertNotIn("correlation_ele", result["tables"])
        info = self.result("info", "--data", self.out)
        subject = dict(zip(info["tables"]["subjects"]["columns"], info["tables"]["subjects"]["rows"][0]))
        self.assertEqual((subject["targets"], subject["frames"], subject["samples"]), (8, FRAMES, 0))
        self.refused(65, "fMRI only", args=["train", *SMALL, "--patches", "2", "--data", self.out, "--out", self.folder / "run"])

    def test_voxels_are_averaged_over_a_label_image_in_either_byte_order(self):
        bold = np.random.default_rng(2).standard_normal((2, 3, 2, FRAMES)).astype(np.float32)
        atlas = np.array([1, 1, 2, 0, 5, 5, 5, 2, 0, 0, 1, 2], dtype=np.int16).reshape((2, 3, 2), order="F")
        image = nifti(self.folder / "x_bold.nii.gz", bold, big=True)
        labels = nifti(self.folder / "atlas.nii", atlas)
        self.done(*self.prepare("--hemo-atlas", labels, hemo=image, tr=None))
        flat, keys = bold.reshape(12, -1, order="F"), atlas.reshape(12, order="F")
        expected = [flat[keys == k].mean(axis=0) for k in (1, 2, 5)]
        np.testing.assert_allclose(np.load(self.out / "sub-01/hemo.npy"), expected, atol=1e-6)
        self.assertEqual([p["name"] for p in self.manifest()["parcels"]["hemo"]], ["1", "2", "5"])

    def test_a_picture_shows_the_correlations(self):
        path = self.folder / "prepared.json"
        path.write_text(self.done(*self.prepare(ele=False)).stdout)
        done = subprocess.run([sys.executable, PLOT, path, "--out", self.folder / "a.png"], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "a.png").read_bytes()[1:4], b"PNG")


class Info(Case):
    def facts(self, path, *more):
        table = self.result("info", "--quiet", "--data", path, *more)["tables"]["facts"]["rows"]
        return {row[0]: row[1] for row in table}

    def test_formats_tell_their_shape_and_repetition_time(self):
        image = nifti(self.folder / "x.nii", np.zeros((2, 3, 4, 5), dtype=np.int16), tr=720, unit=16, big=True)
        facts = self.facts(image)
        self.assertEqual((facts["format"], facts["shape"], facts["tr_s"]), ("NIfTI-1 (big-endian)", [2, 3, 4, 5], 0.72))
        half = self.facts(self.save("half.npy", np.zeros((3, 7), dtype=np.float16)))
        self.assertEqual((half["format"], half["shape"]), ("NumPy .npy", [3, 7]))
        self.assertEqual(len(half["sha256"]), 64)

    def test_what_cannot_be_read_is_named(self):
        self.refused(66, "nothing.npy", args=["info", "--data", self.folder / "nothing.npy"])
        (self.folder / "x.npy").write_bytes(b"\x80\x02}q\x00.")
        self.refused(65, "x.npy", "pickle", "numpy.save", args=["info", "--data", self.folder / "x.npy"])
        image = nifti(self.folder / "x.nii", np.zeros((2, 3, 4, 5), dtype=np.int16))
        whole = image.read_bytes()
        for size in (10, 347, len(whole) - 1):
            image.write_bytes(whole[:size])
            self.refused(65, "x.nii", args=["info", "--data", image])


class BadInput(Case):
    def test_blocks_that_are_no_whole_number_of_samples(self):
        self.bad("20.5 samples a frame", "--resample", args=self.prepare(tr=2.05))
        self.done(*self.prepare("--resample", "--durations", "cut", tr=2.05))
        self.assertEqual(self.manifest()["block"], 20)

    def test_unequal_durations(self):
        self.bad("660 s", "600 s", "--durations cut", args=self.prepare(hemo=self.save("short.npy", self.hemo[:, :300])))

    def test_swapped_layouts(self):
        turned = self.save("turned.npy", self.hemo.T)
        self.bad("330 x 8", "no known number of parcels", "--layout", args=self.prepare(ele=False, hemo=turned, layout=None))
        self.bad("--layout ct", "330 x 8", "expected 8", args=self.prepare("--hemo-parcels", "8", ele=False, hemo=turned))
        self.done(*self.prepare("--hemo-parcels", "8", ele=False, hemo=turned, layout=None))
        np.testing.assert_allclose(np.load(self.out / "sub-01/hemo.npy"), self.hemo, rtol=1e-6)

    def test_a_repetition_time_in_milliseconds(self):
        self.bad("is it in ms", code=64, args=self.prepare(tr=2000))
        bold = nifti(self.folder / "x.nii", np.ones((2, 3, 2, 9), dtype=np.int16), tr=2000, unit=2)
        self.bad("2000 s between volumes", "is it ms", args=self.prepare(ele=False, hemo=bold, tr=None))
        hemo = self.save("a.npy", self.hemo)
        self.text("a.npy.json", '{"RepetitionTime": 2000}')
        self.bad("RepetitionTime", "is it in ms", args=self.prepare(ele=False, hemo=hemo, tr=None))

    def test_subjects_in_another_order(self):
        one, two = self.save("sub-01_e.npy", self.ele), self.save("sub-02_e.npy", self.ele)
        three, four = self.save("sub-02_h.npy", self.hemo), self.save("sub-01_h.npy", self.hemo)
        self.bad("sub-02_h.npy", "expected a file of sub-01", args=self.prepare(ele=f"{one},{two}", hemo=f"{three},{four}"))

    def test_missing_values(self):
        self.hemo[3, 7:9] = np.nan
        self.bad("nan", "row 3, column 7", "--nan", args=self.prepare())
        self.done(*self.prepare("--nan", "interp"))
        line = np.linspace(self.hemo[3, 6], self.hemo[3, 9], 4)[1:3]
        np.testing.assert_allclose(np.load(self.out / "sub-01/hemo.npy")[3, 7:9], line, rtol=1e-5)

    def test_dead_parcels_are_counted_and_left_alone(self):
        self.hemo[2] = 5
        result = self.result(*self.prepare())
        row = dict(zip(result["tables"]["subjects"]["columns"], result["tables"]["subjects"]["rows"][0]))
        self.assertEqual(row["constant_hemo"], 1)
        r = np.array(result["tables"]["correlation_hemo"]["rows"])
        self.assertEqual(np.abs(r[2]).sum(), 0)
        self.result("train", *SMALL, "--patches", "2", "--data", self.out, "--out", self.folder / "run")

    def test_parcels_that_the_patches_do_not_divide(self):
        self.done(*self.prepare())
        self.refused(64, "--patches", "1, 2, 4", args=["train", *SMALL, "--patches", "3", "--data", self.out, "--out", self.folder / "r"])

    def test_too_few_frames_for_a_window_in_a_part(self):
        self.ele, self.hemo = self.ele[:, :2000], self.hemo[:, :100]
        self.done(*self.prepare())
        self.refused(65, "frames", args=["train", *SMALL, "--patches", "2", "--data", self.out, "--out", self.folder / "run"])

    def test_events_outside_of_the_recording(self):
        for onset in ("-1", "660"):
            events = self.text("e.tsv", f"onset\tduration\ttrial_type\n{onset}\t1\tface\n")
            self.bad("'face'", f"{onset} s", "outside of the recording of 660 s", args=self.prepare("--events", events))

    def test_atlases_of_another_grid(self):
        bold = nifti(self.folder / "x.nii", np.ones((2, 3, 2, 9), dtype=np.int16))
        other = nifti(self.folder / "a.nii", np.ones((2, 3, 3), dtype=np.int16))
        self.bad("a.nii", "2 x 3 x 3 voxels, expected 2 x 3 x 2", args=self.prepare("--parcels", other, ele=False, hemo=bold))
        moved = nifti(self.folder / "b.nii", np.ones((2, 3, 2), dtype=np.int16), affine_x=1)
        self.bad("b.nii", "affine row 0, column 3", args=self.prepare("--parcels", moved, ele=False, hemo=bold))

    def test_float16_is_read(self):
        self.done(*self.prepare(ele=False, hemo=self.save("half.npy", self.hemo.astype(np.float16))))
        np.testing.assert_array_equal(np.load(self.out / "sub-01/hemo.npy"), self.hemo.astype(np.float16).astype(np.float32))

    def test_several_arrays_in_one_file(self):
        np.savez(self.folder / "x.npz", a=self.hemo, b=self.hemo * 2)
        both = self.folder / "x.npz"
        self.bad("--array", "a F64 [8 x 330], b F64 [8 x 330]", args=self.prepare(ele=False, hemo=both))
        self.done(*self.prepare("--array", "b", ele=False, hemo=both))
        np.testing.assert_allclose(np.load(self.out / "sub-01/hemo.npy"), self.hemo * 2, rtol=1e-6)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
