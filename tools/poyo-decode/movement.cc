#include "tools/poyo-decode/movement.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tenfold::poyo_decode {
namespace {

constexpr double kLargestStep = 1.5;  // in median steps

double median_step(const std::vector<double>& times) {
  std::vector<double> steps;
  for (size_t i = 1; i < times.size(); ++i) steps.push_back(times[i] - times[i - 1]);
  if (steps.empty()) return 0;
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

}  // namespace

std::vector<double> velocity_of(const std::vector<double>& times,
                                const std::vector<double>& position) {
  const size_t n = times.size();
  const double largest = kLargestStep * median_step(times);
  // Whether samples i - 1 and i belong together.
  const auto joined = [&](size_t i) {
    return i > 0 && i < n && times[i] > times[i - 1] && times[i] - times[i - 1] <= largest &&
           std::isfinite(position[2 * i] + position[2 * i + 1]) &&
           std::isfinite(position[2 * i - 2] + position[2 * i - 1]);
  };
  std::vector<double> out(2 * n, std::numeric_limits<double>::quiet_NaN());
  for (size_t i = 0; i < n; ++i) {
    const bool left = joined(i), right = joined(i + 1);
    if (!left && !right) continue;
    const double before = left ? times[i] - times[i - 1] : 0;
    const double after = right ? times[i + 1] - times[i] : 0;
    for (size_t d = 0; d < 2; ++d) {
      const double here = position[2 * i + d];
      const double slope_left = left ? (here - position[2 * i - 2 + d]) / before : 0;
      const double slope_right = right ? (position[2 * i + 2 + d] - here) / after : 0;
      // The slope of the parabola through three samples: each side weighs by the other's step.
      out[2 * i + d] = left && right
                           ? (after * slope_left + before * slope_right) / (before + after)
                           : slope_left + slope_right;
    }
  }
  return out;
}

Intervals intervals_of(const std::vector<char>& mask, const std::vector<double>& times) {
  Intervals out;
  const size_t n = mask.size();
  for (size_t i = 0; i < n; ++i) {
    if (mask[i] == 0) continue;
    const size_t first = i;
    while (i + 1 < n && mask[i + 1] != 0) ++i;
    const Interval run = {times[first == 0 ? 0 : first - 1], times[i]};
    if (run.length() > 0) out.push_back(run);
  }
  return out;
}

Intervals still_segments(const std::vector<double>& times, const std::vector<float>& velocity,
                         double speed, double seconds) {
  std::vector<char> still(times.size());
  for (size_t i = 0; i < times.size(); ++i) {
    still[i] = std::hypot(velocity[2 * i], velocity[2 * i + 1]) < speed;
  }
  Intervals out = intervals_of(still, times);
  out.erase(std::remove_if(out.begin(), out.end(),
                           [&](const Interval& run) { return !(run.length() > seconds); }),
            out.end());
  return out;
}

}  // namespace tenfold::poyo_decode
