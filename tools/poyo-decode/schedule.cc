#include "tools/poyo-decode/schedule.h"

#include <algorithm>
#include <cmath>

namespace tenfold::poyo_decode {
namespace {

constexpr double kBeta1 = 0.9, kLowBeta1 = 0.85, kHighBeta1 = 0.95;

// 1 at x = 0, 0 at x = 1.
double cosine(double x) { return (1 + std::cos(M_PI * std::clamp(x, 0.0, 1.0))) / 2; }

}  // namespace

double rate_factor(const ScheduleOptions& o, int64_t step) {
  const double steps = double(o.steps), k = double(step), low = o.final_factor;
  if (o.half_open) {
    const double start = o.decay_start * steps;
    return k < start ? 1.0 : low + (1 - low) * cosine((k - start) / (steps - start));
  }
  const double start = o.decay_start * steps - 1, last = steps - 1;
  if (k <= start || last <= start) return 1.0;
  return low + (1 - low) * cosine((k - start) / (last - start));
}

double beta1_at(const ScheduleOptions& o, int64_t step) {
  if (!o.cycle_momentum) return kBeta1;
  const double k = double(step), middle = o.decay_start * double(o.steps) - 1,
               last = double(o.steps) - 1, span = kHighBeta1 - kLowBeta1;
  if (middle == 0 && k == 0) return kLowBeta1;  // two steps: the first one ends the fall
  if (k <= middle) return kLowBeta1 + span * cosine(k / middle);
  return kHighBeta1 - span * cosine((k - middle) / (last - middle));
}

}  // namespace tenfold::poyo_decode
