#include "common/bench/measure.h"

#include <algorithm>

#include "common/core/clock.h"
#include "common/core/error.h"

namespace tenfold::bench {

Spread spread_of(std::vector<double> values) {
  if (values.empty()) throw UsageError("timing: found no runs, expected at least one");
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {values.front(), (values[(n - 1) / 2] + values[n / 2]) / 2, values.back()};
}

Timing measure(const MeasureOptions& options, const std::function<void()>& body) {
  for (int64_t i = 0; i < options.warmup; ++i) body();
  std::vector<double> cpu, wall;
  const double end = monotonic_seconds() + options.min_seconds;
  while (int64_t(wall.size()) < options.runs || monotonic_seconds() < end) {
    const double cpu_start = cpu_seconds(), wall_start = monotonic_seconds();
    body();
    wall.push_back(monotonic_seconds() - wall_start);
    cpu.push_back(cpu_seconds() - cpu_start);
  }
  return {int64_t(wall.size()), spread_of(cpu), spread_of(wall)};
}

}  // namespace tenfold::bench
