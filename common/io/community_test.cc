// Recordings that their communities' own Python libraries wrote are read to the same numbers.
// tests/community_files.py makes them; TENFOLD_COMMUNITY_FILES names their folder.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "common/io/array_file.h"
#include "common/io/brainvision.h"
#include "common/io/cifti.h"
#include "common/io/csv.h"
#include "common/io/edf.h"
#include "common/io/fif.h"
#include "common/io/freesurfer_annot.h"
#include "common/io/gifti.h"
#include "common/io/gzip.h"
#include "common/io/nifti.h"
#include "common/io/npy.h"
#include "common/io/scratch_for_test.h"
#include "common/testing/skip.h"

namespace tenfold::io {
namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

FifOptions fif_options(const CsvTable& facts) {
  const std::string picks = facts.text(0, facts.find("picks"));
  FifOptions options;
  options.keep_bads = facts.text(0, facts.find("keep_bads")) == "1";
  options.gaps_zero = facts.text(0, facts.find("gaps_zero")) == "1";
  if (picks == "mag") options.picks = FifPicks::kMagnetometers;
  if (picks == "grad") options.picks = FifPicks::kGradiometers;
  if (picks == "eeg") options.picks = FifPicks::kEeg;
  if (picks == "all") options.picks = FifPicks::kAll;
  return options;
}

Signals signals_of(const SurfaceParcels& parcels) {
  Signals out;
  out.names = parcels.names;
  out.values.assign(parcels.labels.begin(), parcels.labels.end());
  out.samples = int64_t(out.values.size());
  out.rate_hz = 1;
  return out;
}

// The affine as names, as community_files.py writes it.
Signals signals_of(const NiftiImage& image, const std::string& path) {
  Signals out;
  out.values.resize(image.values.size());
  out.samples = image.header.shape[3];
  const size_t times = size_t(out.samples), voxels = out.values.size() / times;
  for (size_t t = 0; t < times; ++t)
    for (size_t v = 0; v < voxels; ++v) out.values[v * times + t] = image.values[t * voxels + v];
  out.rate_hz = 1 / nifti_tr(image.header, path);
  for (const auto& row : image.header.affine)
    for (const double a : row) {
      char text[32];
      std::snprintf(text, sizeof text, "%.3f", a + 0.0);
      out.names.emplace_back(text);
    }
  return out;
}

Signals read_array(const std::string& path) {
  const PlainMatrix matrix = read_matrix(path);
  Signals out;
  out.values = matrix.values;
  out.samples = matrix.columns;
  out.rate_hz = 1;
  return out;
}

Signals read_imaging(const std::string& path) {
  if (ends_with(path, ".label.gii")) return signals_of(gifti_parcels(read_gifti(path), path));
  if (ends_with(path, ".gii")) {
    Signals out = gifti_series(read_gifti(path), path);
    out.names.clear();
    return out;
  }
  const Bytes file = read_maybe_gzip(path);
  return is_cifti(file) ? parse_cifti(file, path) : signals_of(parse_nifti(file, path), path);
}

Signals read(const std::string& path, const CsvTable& facts) {
  if (ends_with(path, ".fif") || ends_with(path, ".fif.gz"))
    return read_fif(path, fif_options(facts));
  if (ends_with(path, ".edf") || ends_with(path, ".bdf")) return read_edf(path);
  if (ends_with(path, ".vhdr")) return read_brainvision(path);
  if (ends_with(path, ".gii") || ends_with(path, ".nii") || ends_with(path, ".nii.gz"))
    return read_imaging(path);
  return ends_with(path, ".annot") ? signals_of(read_annot(path)) : read_array(path);
}

std::string joined_names(const Signals& s) {
  std::string out;
  for (const std::string& name : s.names) out += (out.empty() ? "" : "|") + name;
  return out;
}

void require_same_values(const Signals& s, const std::string& path) {
  const Tensor expected = read_npy(path);
  const double* values = expected.as<double>();
  REQUIRE(s.values.size() == size_t(expected.numel()));
  if (s.epochs > 0)
    REQUIRE(expected.shape == std::vector<int64_t>{s.epochs, s.channels(), s.samples});
  // Each channel against its own largest value: stimulus channels dwarf all others.
  double worst = 0;
  for (size_t row = 0; row < s.values.size(); row += size_t(s.samples)) {
    CAPTURE(row);
    double largest = 0, difference = 0;
    for (size_t i = row; i < row + size_t(s.samples); ++i) {
      largest = std::max(largest, std::abs(values[i]));
      difference = std::max(difference, std::abs(values[i] - s.values[i]));
    }
    REQUIRE(largest > 0);
    REQUIRE(difference <= 1e-6 * largest);
    worst = std::max(worst, difference / largest);
  }
  std::printf("%s: at most %.2g of a channel's largest value off\n", path.c_str(), worst);
}

void require_same_events(const Signals& s, const std::string& path) {
  const CsvTable events = CsvTable::read(path);
  for (int64_t i = 0; i < events.rows(); ++i) {
    CAPTURE(i);
    const SignalEvent& event = s.events[size_t(i)];
    CHECK(event.label == events.text(i, events.find("label")));
    CHECK(event.onset_s == Approx(events.number(i, events.find("onset_s"))).margin(1e-6));
    CHECK(event.duration_s == Approx(events.number(i, events.find("duration_s"))).margin(1e-6));
  }
}

}  // namespace

TEST_CASE(
    "files of mne, edfio, pybv, nibabel, scipy, h5py and numpy are read to the numbers those "
    "libraries read") {
  const char* folder = std::getenv("TENFOLD_COMMUNITY_FILES");
  if (folder == nullptr)
    TENFOLD_SKIP("TENFOLD_COMMUNITY_FILES is not set (see tests/community_files.py)");
  const CsvTable list = CsvTable::read(std::string(folder) + "/recordings.csv");
  REQUIRE(list.rows() > 0);
  for (int64_t i = 0; i < list.rows(); ++i) {
    const std::string path = std::string(folder) + "/" + list.text(i, 0);
    CAPTURE(path);
    const CsvTable facts = CsvTable::read(path + ".facts.csv");
    const Signals s = read(path, facts);
    CHECK(joined_names(s) == facts.text(0, facts.find("names")));
    CHECK(s.rate_hz == Approx(facts.number(0, facts.find("rate_hz"))));
    require_same_values(s, path + ".expected.npy");
    REQUIRE(double(s.events.size()) == facts.number(0, facts.find("events")));
    if (!s.events.empty()) require_same_events(s, path + ".events.csv");
  }
}

TEST_CASE("truncated and bit-flipped copies of them give numbers or one line") {
  const char* folder = std::getenv("TENFOLD_COMMUNITY_FILES");
  if (folder == nullptr)
    TENFOLD_SKIP("TENFOLD_COMMUNITY_FILES is not set (see tests/community_files.py)");
  constexpr size_t kCuts = 12, kFlips = 30, kLargest = 1 << 20;
  const CsvTable list = CsvTable::read(std::string(folder) + "/recordings.csv");
  const Scratch scratch;
  int refused = 0, read_on = 0;
  for (int64_t i = 0; i < list.rows(); ++i) {
    const std::string name = list.text(i, 0), path = std::string(folder) + "/" + name;
    const CsvTable facts = CsvTable::read(path + ".facts.csv");
    const Bytes whole = read_file(path);
    // A header of BrainVision's, or a part of several files, misses the others.
    if (ends_with(name, ".vhdr") || name.find("split") == 0 || whole.size() > kLargest) continue;
    for (size_t k = 0; k < kCuts + kFlips; ++k) {
      CAPTURE(name, k);
      Bytes damaged = whole;
      if (k < kCuts) {
        damaged.resize(whole.size() * k / kCuts);
      } else {  // the first bytes are headers mostly
        const size_t bit =
            k * 2654435761u % (8 * std::min<size_t>(whole.size(), k % 2 ? 600 : whole.size()));
        damaged[bit / 8] ^= uint8_t(1 << bit % 8);
      }
      write_file_atomic(scratch / name, damaged.data(), damaged.size());
      const Outcome o = outcome_of([&] { read(scratch / name, facts); });
      CAPTURE(o.message);
      REQUIRE((o.ok() || (o.code == ExitCode::kBadData && !o.says("\n"))));
      ++(o.ok() ? read_on : refused);
    }
  }
  std::printf("%d damaged files refused, %d read\n", refused, read_on);
  REQUIRE((refused > 100 && read_on > 100));
}

}  // namespace tenfold::io
