// Augmentation: the times of a window's spikes and samples grow by a random factor (specification,
// section 4); the velocity that is asked for stays.
#pragma once

#include <cstdint>
#include <string>

namespace tenfold::poyo_decode {

struct TimeScaling {
  double min = 1, max = 1;

  bool on() const { return min != 1 || max != 1; }
};

// "min,max" or "off". Throws UsageError naming the option unless 0 < min <= max.
TimeScaling parse_time_scaling(const std::string& text);

// Uniform in [min, max); a function of the seed and of the window's number in the stream.
double time_scale(const TimeScaling& scaling, uint64_t seed, uint64_t number);

}  // namespace tenfold::poyo_decode
