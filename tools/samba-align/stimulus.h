// What simulated subjects see: a semi-Markov sequence of categories, and how it drives parcels
// (specification, section 2.4.3).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/matrix.h"

namespace tenfold::samba_align {

struct StimulusOptions {
  int64_t categories = 4;
  double dwell_min = 4, dwell_mean = 6;  // seconds
  std::string dwell_rule = "sum";        // "sum": min + Exp(mean); "max": max(min, Exp(mean))
  std::string stim_pattern = "block";    // "block": a quarter of the parcels; "dense": all
};

struct StimulusSegment {
  double onset, duration;  // seconds
  int32_t category;
};

// Segments that fill 0 .. seconds, the last one cut there. The next category is uniform over all:
// the same one may follow itself.
std::vector<StimulusSegment> draw_stimulus(const StimulusOptions& options, double seconds,
                                           uint64_t seed);

// The category at the times i / rate, i = 0 .. count - 1; the first and the last segment reach
// beyond their ends. Rate in Hz.
std::vector<int32_t> categories_at(const std::vector<StimulusSegment>& stimulus, double rate,
                                   int64_t count);

// A [parcels, categories]: how strongly a category drives a parcel.
Matrix draw_pattern(const StimulusOptions& options, int64_t parcels, uint64_t seed);

// A subject's own: every entry times 1 + 0.1 N(0, 1), from the stream `name`.
Matrix with_individual_pattern(const Matrix& pattern, uint64_t seed, const std::string& name);

}  // namespace tenfold::samba_align
