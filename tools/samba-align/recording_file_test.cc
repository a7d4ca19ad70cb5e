#include "tools/samba-align/recording_file.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/io/fif_for_test.h"
#include "common/io/npy_writer.h"
#include "common/io/scratch_for_test.h"
#include "tools/samba-align/preparation.h"

namespace tenfold::samba_align {
namespace {

using io::outcome_of;
using io::Scratch;
using Doubles = std::vector<double>;

constexpr auto kEle = Modality::kElectrophysiology, kFmri = Modality::kFmri;

std::string matrix(const Scratch& scratch, const std::string& name, int64_t rows, int64_t columns,
                   double scale = 1) {
  Doubles values;
  for (int64_t i = 0; i < rows * columns; ++i) values.push_back(scale * double(i));
  io::write_npy(scratch / name, io::DType::kF64, {rows, columns}, values.data());
  return scratch / name;
}

FileOptions at_rate(double fs, const std::string& layout = "ct") {
  FileOptions o;
  o.fs = fs;
  o.layout = layout;
  return o;
}

Doubles mended(Doubles row, const std::string& rule) {
  mend_missing(row, 1, int64_t(row.size()), rule, "x");
  return row;
}

}  // namespace

TEST_CASE("missing values become zeros, a line, the released code's numbers, or an error") {
  const Doubles row = {NAN, 1, NAN, INFINITY, 4, NAN};
  CHECK(mended(row, "zero") == Doubles{0, 1, 0, 0, 4, 0});
  CHECK(mended(row, "interp") == Doubles{1, 1, 2, 3, 4, 4});
  CHECK(mended(row, "reference") == Doubles{2, 1, 2, 0, 4, 2});
  CHECK(outcome_of([&] { mended(row, "error"); }).says("x: found nan at row 0, column 0"));
  CHECK(outcome_of([&] { mended({NAN, NAN}, "interp"); }).says("row 0 has no finite number"));
  CHECK(outcome_of([&] { mended({-INFINITY}, "reference"); }).says("found -inf"));
}

TEST_CASE("a plain array has the rate, layout and inverse of the options") {
  const Scratch scratch;
  const std::string path = matrix(scratch, "x.npy", 2, 3);
  const FileRecording r = read_recording_file(path, at_rate(50), kEle);
  CHECK((r.rows == 2 && r.samples == 3 && r.rate_hz == 50));
  const FileRecording turned = read_recording_file(path, at_rate(50, "tc"), kEle);
  CHECK(turned.values == Doubles{0, 3, 1, 4, 2, 5});
  CHECK(outcome_of([&] { read_recording_file(path, at_rate(0), kEle); }).code == ExitCode::kUsage);
  FileOptions inverse = at_rate(50);
  const Doubles weights = {1, 10, 0, -1, 2, 0};
  io::write_npy(scratch / "w.npy", io::DType::kF64, {3, 2}, weights.data());
  inverse.inverse = scratch / "w.npy";
  const FileRecording sources = read_recording_file(path, inverse, kEle);
  CHECK(sources.values == Doubles{30, 41, 52, -3, -4, -5, 0, 2, 4});
  inverse.inverse = matrix(scratch, "bad.npy", 2, 4);
  CHECK(outcome_of([&] {
          read_recording_file(path, inverse, kEle);
        }).says("found 2 x 4 numbers, expected [parcels, 2]"));
  const FileRecording both = read_file_as_is(path + "+" + path, at_rate(50), kEle);
  CHECK((both.rows == 4 && both.values[6] == 0 && both.values[11] == 5));
}

TEST_CASE("epochs are shown as they are, and are no recording") {
  const Scratch scratch;
  const io::Bytes file = io::epochs_fif_for_test();
  io::write_file_atomic(scratch / "e.fif", file.data(), file.size());
  const FileRecording r = read_file_as_is(scratch / "e.fif", {}, kEle);
  CHECK((r.epochs == 2 && r.samples == 3));
  CHECK(int64_t(r.values.size()) == r.epochs * r.rows * r.samples);
  CHECK(outcome_of([&] {
          read_recording_file(scratch / "e.fif", {}, kEle);
        }).says("found 2 epochs, expected one continuous recording"));
}

TEST_CASE("a repetition time is the option's, else the sidecar's, and never in ms") {
  const Scratch scratch;
  const std::string path = matrix(scratch, "a_bold.npy", 2, 3);
  FileOptions o = at_rate(0);
  o.tr = 1.5;
  CHECK(read_recording_file(path, o, kFmri).tr == 1.5);
  o.tr = 0;
  CHECK(outcome_of([&] { read_recording_file(path, o, kFmri); }).says("--tr"));
  io::write_file_atomic(scratch / "a_bold.json", "{\"RepetitionTime\": 0.72}");
  CHECK(read_recording_file(path, o, kFmri).tr == 0.72);
  io::write_file_atomic(scratch / "a_bold.json", "{\"RepetitionTime\": 720}");
  CHECK(outcome_of([&] { read_recording_file(path, o, kFmri); }).says("is it in ms?"));
  o.tr = 720;
  CHECK(outcome_of([&] { read_recording_file(path, o, kFmri); }).says("is it in ms?"));
}

TEST_CASE("runs are trimmed, cut to whole frames and joined, and frames labelled by their ends") {
  const Scratch scratch;
  PrepareOptions o;
  o.ele = {matrix(scratch, "e1.npy", 2, 26), matrix(scratch, "e2.npy", 2, 20, 10)};
  o.hemo = {matrix(scratch, "h1.npy", 3, 6), matrix(scratch, "h2.npy", 3, 5)};
  o.ele_file = at_rate(2);
  o.hemo_file = at_rate(0);
  o.hemo_file.tr = 2;
  o.trim = {1, 0};
  io::write_file_atomic(scratch / "v1.tsv", "onset\tduration\ttrial_type\n2\t2\tb\n8\t99\ta\n");
  io::write_file_atomic(scratch / "v2.tsv", "onset\tduration\ttrial_type\n0\t2\tb\n");
  o.events = {scratch / "v1.tsv", scratch / "v2.tsv"};
  const Preparation p = prepare_recordings(o);
  CHECK((p.fs == 2 && p.tr == 2 && p.block == 4));
  REQUIRE(p.subjects.size() == 1);
  const PreparedSubject& s = p.subjects[0];
  // 24 samples are 6 frames, 20 are 5.
  CHECK((s.ele.cols() == 44 && s.hemo.cols() == 11));
  CHECK((s.ele(0, 0) == 1 && s.ele(1, 0) == 27 && s.ele(0, 24) == 0 && s.ele(1, 25) == 210));
  CHECK((s.hemo(2, 5) == 17 && s.hemo(0, 6) == 0 && s.hemo(2, 10) == 14));
  CHECK(p.label_names == std::vector<std::string>{"a", "b"});
  CHECK(s.labels == std::vector<int32_t>{-1, 1, -1, -1, 0, 0, 1, -1, -1, -1, -1});
  o.trim = {};
  CHECK(prepare_recordings(o).subjects[0].ele.cols() == 44);  // a frame too long is cut
  o.hemo[0] = matrix(scratch, "h3.npy", 3, 4);
  CHECK(outcome_of([&] {
          prepare_recordings(o);
        }).says("found 13 s and 8 s, expected the same duration within a frame"));
  o.durations = "cut";
  CHECK(outcome_of([&] { prepare_recordings(o); }).says("outside of the recording of 8 s"));
  o.events = {};
  CHECK(prepare_recordings(o).subjects[0].hemo.cols() == 9);
  o.ele_file.fs = 2.1;
  CHECK(outcome_of([&] { prepare_recordings(o); })
            .says("found 4.2 samples a frame (2.1 Hz times a TR of 2 s), expected a whole number: "
                  "--resample brings it to 2 Hz"));
  o.ele_file.resample = true;
  CHECK(prepare_recordings(o).block == 4);
}

TEST_CASE("files of two subjects do not meet") {
  const Scratch scratch;
  PrepareOptions o;
  o.ele_file = at_rate(2);
  o.hemo_file = at_rate(0);
  o.hemo_file.tr = 2;
  o.ele = {matrix(scratch, "sub-01_e.npy", 2, 40), matrix(scratch, "sub-02_e.npy", 2, 40)};
  o.hemo = {matrix(scratch, "sub-01_h.npy", 3, 10), matrix(scratch, "sub-02_h.npy", 3, 10)};
  CHECK(prepare_recordings(o).subjects[1].name == "sub-02");
  std::swap(o.hemo[0], o.hemo[1]);
  CHECK(outcome_of([&] { prepare_recordings(o); }).says("is of sub-02, expected a file of sub-01"));
  o.hemo = {o.hemo[1], matrix(scratch, "sub-02_w.npy", 4, 10)};
  CHECK(outcome_of([&] { prepare_recordings(o); }).says("found 4 parcels, expected 3"));
}

}  // namespace tenfold::samba_align
