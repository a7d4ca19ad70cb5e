// Velocity from positions, and where nothing moves (specification, section 2.1).
#pragma once

#include <vector>

#include "tools/poyo-decode/intervals.h"

namespace tenfold::poyo_decode {

// Velocity by central differences, one-sided at the ends of every contiguous segment (as
// numpy.gradient, for uneven times too). A segment ends at a gap of more than 1.5 median steps and
// at a NaN; a sample alone has NaN.
//   times [n] seconds, sorted; position [n, 2]; returns [n, 2] per second
std::vector<double> velocity_of(const std::vector<double>& times,
                                const std::vector<double>& position);

// Runs of samples slower than `speed` that last longer than `seconds`. A run first..last becomes
// [time of sample first - 1, time of sample last], as in the published preparation.
//   velocity [n, 2]
Intervals still_segments(const std::vector<double>& times, const std::vector<float>& velocity,
                         double speed, double seconds);

// Runs of true samples as intervals [time of the sample before the first, time of the last]; those
// of no length are left out.
Intervals intervals_of(const std::vector<char>& mask, const std::vector<double>& times);

}  // namespace tenfold::poyo_decode
