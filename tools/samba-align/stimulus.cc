#include "tools/samba-align/stimulus.h"

#include <algorithm>
#include <cmath>

#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

constexpr double kDenseStrength = 0.8, kIndividualSpread = 0.1;

}  // namespace

std::vector<StimulusSegment> draw_stimulus(const StimulusOptions& o, double seconds,
                                           uint64_t seed) {
  const Stream categories(seed, "stimulus"), dwells(seed, "dwell");
  std::vector<StimulusSegment> out;
  double onset = 0;
  for (uint64_t i = 0; onset < seconds; ++i) {
    const double drawn = -o.dwell_mean * std::log(1 - dwells.uniform(i));
    const double dwell = o.dwell_rule == "max" ? std::max(o.dwell_min, drawn) : o.dwell_min + drawn;
    const uint64_t category = categories.below(i, static_cast<uint64_t>(o.categories));
    out.push_back({onset, std::min(dwell, seconds - onset), static_cast<int32_t>(category)});
    onset += dwell;
  }
  return out;
}

std::vector<int32_t> categories_at(const std::vector<StimulusSegment>& stimulus, double rate,
                                   int64_t count) {
  std::vector<int32_t> out(static_cast<size_t>(count));
  size_t at = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double t = static_cast<double>(i) / rate;
    while (at + 1 < stimulus.size() && stimulus[at + 1].onset <= t) ++at;
    out[i] = stimulus[at].category;
  }
  return out;
}

Matrix draw_pattern(const StimulusOptions& o, int64_t parcels, uint64_t seed) {
  const Stream s(seed, "pattern");
  Matrix out = Matrix::Zero(parcels, o.categories);
  const bool dense = o.stim_pattern == "dense";
  const int64_t driven = dense ? parcels : (parcels + 3) / 4;
  const double strength = dense ? kDenseStrength : 1;
  for (int64_t k = 0; k < o.categories; ++k) {
    for (int64_t i = 0; i < driven; ++i) {
      const int64_t p = (k * parcels / o.categories + i) % parcels;
      out(p, k) = strength * s.normal(static_cast<uint64_t>(p * o.categories + k));
    }
  }
  return out;
}

Matrix with_individual_pattern(const Matrix& pattern, uint64_t seed, const std::string& name) {
  const Stream s(seed, name);
  Matrix out = pattern;
  for (int64_t i = 0; i < out.size(); ++i) {
    out.data()[i] *= 1 + kIndividualSpread * s.normal(static_cast<uint64_t>(i));
  }
  return out;
}

}  // namespace tenfold::samba_align
