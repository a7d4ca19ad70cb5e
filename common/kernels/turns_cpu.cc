#include <cmath>

#include "common/kernels/turns.h"

namespace tenfold::kernels {
namespace {

// Without branches, so that a loop over it becomes vectors, which calls of the C library do not:
// what is left of the angle after quarter turns, and Taylor's series of that.
inline void turn(double angle, float* to) {
  constexpr double kQuarter = 1.57079632679489655800, kRest = 6.12323399573676603587e-17;
  const double n = std::nearbyint(angle * (1 / kQuarter));
  const double r = std::fma(-n, kRest, std::fma(-n, kQuarter, angle)), x = r * r;
  const double s =
      r * (1 + x * (-1. / 6 +
                    x * (1. / 120 + x * (-1. / 5040 + x * (1. / 362880 + x * (-1. / 39916800))))));
  const double c =
      1 + x * (-1. / 2 +
               x * (1. / 24 + x * (-1. / 720 +
                                   x * (1. / 40320 + x * (-1. / 3628800 + x * (1. / 479001600))))));
  const double quarters = n - 4 * std::floor(n / 4);
  const bool odd = quarters == 1 || quarters == 3;
  const double along = odd ? s : c, across = odd ? c : s;
  to[0] = float(quarters == 1 || quarters == 2 ? -along : along);
  to[1] = float(quarters >= 2 ? -across : across);
}

}  // namespace

void turns(const double* times, int64_t count, const float* frequencies, int64_t pairs, float* to) {
  for (int64_t i = 0; i < count; ++i, to += 2 * pairs) {
    for (int64_t j = 0; j < pairs; ++j) turn(times[i] * double(frequencies[j]), to + 2 * j);
  }
}

}  // namespace tenfold::kernels
