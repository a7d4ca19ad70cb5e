// How long code takes: processor time, which other users of the machine hardly change, beside wall
// time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace tenfold::bench {

struct Spread {
  double min = 0, median = 0, max = 0;
};

// The median of an even number of values is the mean of the two middle ones. Throws UsageError for
// no values.
Spread spread_of(std::vector<double> values);

struct Timing {
  int64_t runs = 0;
  Spread cpu, wall;  // seconds a call; cpu is that of all threads of the process
};

struct MeasureOptions {
  int64_t warmup = 1;      // calls that are not timed
  int64_t runs = 1;        // timed calls, at least ...
  double min_seconds = 0;  // ... and more of them until so much time has passed
};

// Calls `body` with the clocks around each call.
Timing measure(const MeasureOptions& options, const std::function<void()>& body);

}  // namespace tenfold::bench
