#include "tools/samba-align/ele_feature.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/core/error.h"
#include "common/stats/butterworth.h"

namespace tenfold::samba_align {
namespace {

constexpr int64_t kOrder = 4;
constexpr double kLeastShare = 1e-12;  // of the mean power

double mean_of(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / double(x.size());
}

}  // namespace

void make_ele_feature(std::vector<float>& x, int64_t parcels, int64_t samples, double rate,
                      const DatasetOptions& options) {
  if (options.ele_feature == "raw") return;
  const bool power = options.ele_feature == "bandpower";
  const double highest = power ? options.feature_high : options.feature_cutoff;
  if (highest >= rate / 2) {
    throw UsageError(fmt::format("{}: found {} Hz, expected less than half the rate of {} Hz",
                                 power ? "--feature-high" : "--feature-cutoff", highest, rate));
  }
  std::vector<stats::Biquad> band;
  if (power) {
    band = stats::butterworth_high_pass(kOrder, options.feature_low, rate);
    for (const stats::Biquad& q : stats::butterworth_low_pass(kOrder, options.feature_high, rate))
      band.push_back(q);
  }
  const std::vector<stats::Biquad> smooth =
      stats::butterworth_low_pass(kOrder, options.feature_cutoff, rate);
  for (int64_t p = 0; p < parcels; ++p) {
    float* row = x.data() + p * samples;
    std::vector<double> v(row, row + samples);
    if (power) {
      v = stats::filtered_both_ways(band, v);
      for (double& s : v) s *= s;
    } else {
      const double mean = mean_of(v);
      for (double& s : v) s = std::abs(s - mean);
    }
    v = stats::filtered_both_ways(smooth, v);
    const double least = kLeastShare * mean_of(v);
    for (int64_t i = 0; i < samples; ++i) {
      const double s = v[size_t(i)];
      row[i] = float(power ? std::log10(std::max(s, least)) : s);
    }
  }
}

}  // namespace tenfold::samba_align
