// Sets of half-open intervals of time [start, end), in seconds (arXiv 2310.16046; specification,
// section 2.2): trials, phases of a movement, the parts of a session to train and to test on.
#pragma once

#include <cstdint>
#include <vector>

namespace tenfold::poyo_decode {

// Whether a window fits an interval is decided to this tolerance, in seconds: stored interval
// lengths carry float rounding (section 2.4).
constexpr double kFitTolerance = 1e-6;

struct Interval {
  double start = 0, end = 0;

  double length() const { return end - start; }
  bool contains(double t) const { return start <= t && t < end; }
};

// Sorted by start; those that a recording lists as its domains do not overlap.
using Intervals = std::vector<Interval>;

// Whether t lies in one of the intervals, which are sorted and do not overlap.
bool contains(const Intervals& intervals, double t);

double total_length(const Intervals& intervals);

// Sorted, with overlapping and touching intervals joined and empty ones left out.
Intervals merged(Intervals intervals);

Intervals intersection(const Intervals& a, const Intervals& b);
Intervals difference(const Intervals& a, const Intervals& b);

// Every interval longer by `seconds` at both ends.
Intervals dilated(const Intervals& intervals, double seconds);

}  // namespace tenfold::poyo_decode
