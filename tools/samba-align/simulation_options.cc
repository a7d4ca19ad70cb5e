#include "tools/samba-align/simulation_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/core/error.h"

namespace tenfold::samba_align {
namespace {

constexpr double kRounding = 1e-6;
constexpr double kLongestFibre = 10000;  // mm

void require(const char* option, double found, double low, double high) {
  if (found >= low && found <= high) return;
  throw UsageError(fmt::format("--{}: found {}, expected {} to {}", option, found, low, high));
}

void require(const char* option, const std::string& found, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), found) != known.end()) return;
  throw UsageError(
      fmt::format("--{}: found {}, expected one of {}", option, found, fmt::join(known, ", ")));
}

void require_shape(const char* option, const std::optional<Matrix>& m, int64_t rows,
                   int64_t columns) {
  if (!m || (m->rows() == rows && m->cols() == columns)) return;
  throw DataError(fmt::format("--{}: found {} x {} numbers, expected {} x {}", option, m->rows(),
                              m->cols(), rows, columns));
}

void check_inputs(const SimulationOptions& o, const SimulationInputs& in) {
  require_shape("connectome", in.connectome, o.ele_parcels, o.ele_parcels);
  require_shape("lengths", in.lengths, o.ele_parcels, o.ele_parcels);
  if (in.lengths && !in.connectome) throw UsageError("--lengths: expected --connectome beside it");
  if (in.lengths && !(in.lengths->array() >= 0 && in.lengths->array() <= kLongestFibre).all()) {
    throw DataError(
        fmt::format("--lengths: found a number that is not within 0 to {} mm", kLongestFibre));
  }
  if (in.leadfield) {
    require_shape("leadfield", in.leadfield, in.leadfield->rows(), o.ele_parcels);
    if (o.sensors == "none") throw UsageError("--leadfield: expected --sensors meg or eeg with it");
    if (!in.leadfield->allFinite()) throw DataError("--leadfield: found a number that is none");
  }
  if (in.fmri_noise_series) {
    const Matrix& m = *in.fmri_noise_series;
    if (m.rows() != o.hemo_parcels || m.cols() < frame_count(o)) {
      throw DataError(
          fmt::format("--fmri-noise-from: found {} parcels x {} frames, expected {} x at least {}",
                      m.rows(), m.cols(), o.hemo_parcels, frame_count(o)));
    }
  }
}

}  // namespace

SimulationOptions small_preset() {
  SimulationOptions o;
  o.neural = "envelope";
  o.hrf = "double-gamma";
  o.sensors = "none";
  o.subjects = 1;
  o.minutes = 60;
  o.fs = 50;
  o.tr = 2;
  o.ele_parcels = 20;
  o.hemo_parcels = 40;
  o.stimulus = {4, 4, 10, "max", "dense"};
  o.positions = "normal";
  o.hrf_box = "small";
  o.target_map = "child";
  o.crosstalk = 0.2;
  o.fmri_noise = 0.4;
  o.fmri_noise_ar = 0;
  o.drift = 0;
  return o;
}

void check_simulation(const SimulationOptions& o, const SimulationInputs& inputs) {
  require("neural", o.neural, {"jansen-rit", "envelope"});
  require("hrf", o.hrf, {"double-gamma", "balloon"});
  require("sensors", o.sensors, {"none", "meg", "eeg"});
  require("dwell-rule", o.stimulus.dwell_rule, {"sum", "max"});
  require("stim-pattern", o.stimulus.stim_pattern, {"block", "dense"});
  require("positions", o.positions, {"sphere", "normal"});
  require("hrf-box", o.hrf_box, {"model", "small"});
  require("target-map", o.target_map, {"sphere", "child"});
  require("subjects", static_cast<double>(o.subjects), 1, 999);
  require("minutes", o.minutes, 0.1, 1e4);
  require("fs", o.fs, 1, 1000);
  require("tr", o.tr, 0.01, 30);
  require("ele-parcels", static_cast<double>(o.ele_parcels), 1, 1e4);
  require("hemo-parcels", static_cast<double>(o.hemo_parcels), 1, 1e4);
  require("categories", static_cast<double>(o.stimulus.categories), 1, 1000);
  require("dwell-min", o.stimulus.dwell_min, 0, 1e4);
  require("dwell-mean", o.stimulus.dwell_mean, 0.01, 1e4);
  require("slow-gain", o.slow_gain, 0, 100);
  require("snr", o.snr, 1e-3, 1e6);
  require("crosstalk", o.crosstalk, 0, 100);
  require("fmri-noise", o.fmri_noise, 0, 100);
  require("fmri-noise-ar", o.fmri_noise_ar, -0.999, 0.999);
  require("drift", o.drift, 0, 100);
  if (o.fs != std::round(o.fs))
    throw UsageError(fmt::format("--fs: found {}, expected whole Hz", o.fs));
  const double block = o.fs * o.tr;
  if (std::abs(block - std::round(block)) > kRounding || block < 1) {
    throw UsageError(fmt::format(
        "--tr: {} s at {} Hz are {} samples, expected a whole number: choose another --fs", o.tr,
        o.fs, block));
  }
  if (frame_count(o) < 2) {
    throw UsageError(
        fmt::format("--minutes: found {}, expected two frames of {} s or more", o.minutes, o.tr));
  }
  check_inputs(o, inputs);
}

int64_t block_samples(const SimulationOptions& o) { return std::llround(o.fs * o.tr); }

int64_t frame_count(const SimulationOptions& o) {
  return static_cast<int64_t>(std::floor(o.minutes * 60 / o.tr + kRounding));
}

int64_t sample_count(const SimulationOptions& o) { return frame_count(o) * block_samples(o); }

}  // namespace tenfold::samba_align
