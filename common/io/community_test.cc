// Recordings that their communities' own Python libraries wrote are read to the same numbers.
// tests/community_files.py makes them; TENFOLD_COMMUNITY_FILES names their folder.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "common/io/brainvision.h"
#include "common/io/csv.h"
#include "common/io/edf.h"
#include "common/io/fif.h"
#include "common/io/freesurfer_annot.h"
#include "common/io/npy.h"
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

Signals read_annot_as_signals(const std::string& path) {
  const SurfaceParcels parcels = read_annot(path);
  Signals out;
  out.names = parcels.names;
  out.values.assign(parcels.labels.begin(), parcels.labels.end());
  out.samples = int64_t(out.values.size());
  out.rate_hz = 1;
  return out;
}

Signals read(const std::string& path, const CsvTable& facts) {
  if (ends_with(path, ".fif") || ends_with(path, ".fif.gz"))
    return read_fif(path, fif_options(facts));
  if (ends_with(path, ".edf") || ends_with(path, ".bdf")) return read_edf(path);
  if (ends_with(path, ".vhdr")) return read_brainvision(path);
  return read_annot_as_signals(path);
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

TEST_CASE("files of mne, edfio, pybv and nibabel are read to the numbers those libraries read") {
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

}  // namespace tenfold::io
