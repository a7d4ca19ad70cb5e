#include "common/stats/butterworth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::stats {
namespace {

constexpr double kPi = 3.14159265358979323846;

std::vector<Biquad> sections(int64_t order, double cutoff, double rate, bool high) {
  if (order < 2 || order % 2 != 0 || !(cutoff > 0) || !(cutoff < rate / 2)) {
    throw UsageError(
        fmt::format("filter of order {} at {} Hz: expected an even order and a cutoff between 0 "
                    "and {} Hz",
                    order, cutoff, rate / 2));
  }
  const double w = std::tan(kPi * cutoff / rate);
  std::vector<Biquad> all;
  for (int64_t k = 0; k < order / 2; ++k) {
    // s^2 + damping s + 1 of the analogue prototype.
    const double damping = 2 * std::sin(kPi * double(2 * k + 1) / double(2 * order));
    const double norm = 1 / (1 + damping * w + w * w);
    Biquad q;
    q.b0 = q.b2 = (high ? 1 : w * w) * norm;
    q.b1 = (high ? -2 : 2 * w * w) * norm;
    q.a1 = 2 * (w * w - 1) * norm;
    q.a2 = (1 - damping * w + w * w) * norm;
    all.push_back(q);
  }
  return all;
}

// In place, from the steady state of x's first value.
void run(const std::vector<Biquad>& filter, std::vector<double>& x) {
  double level = x.front();
  for (const Biquad& q : filter) {
    const double gain = (q.b0 + q.b1 + q.b2) / (1 + q.a1 + q.a2);
    // Transposed direct form 2 of a constant input.
    double z2 = (q.b2 - q.a2 * gain) * level, z1 = (q.b1 - q.a1 * gain) * level + z2;
    for (double& v : x) {
      const double y = q.b0 * v + z1;
      z1 = q.b1 * v - q.a1 * y + z2;
      z2 = q.b2 * v - q.a2 * y;
      v = y;
    }
    level *= gain;
  }
}

}  // namespace

std::vector<Biquad> butterworth_low_pass(int64_t order, double cutoff_hz, double rate_hz) {
  return sections(order, cutoff_hz, rate_hz, false);
}

std::vector<Biquad> butterworth_high_pass(int64_t order, double cutoff_hz, double rate_hz) {
  return sections(order, cutoff_hz, rate_hz, true);
}

std::vector<double> filtered_both_ways(const std::vector<Biquad>& filter,
                                       const std::vector<double>& x) {
  if (x.empty()) return {};
  const int64_t n = int64_t(x.size()), pad = std::min(n - 1, 3 * (2 * int64_t(filter.size()) + 1));
  std::vector<double> wide(size_t(n + 2 * pad));
  for (int64_t i = 0; i < pad; ++i) {
    wide[size_t(i)] = 2 * x.front() - x[size_t(pad - i)];
    wide[size_t(pad + n + i)] = 2 * x.back() - x[size_t(n - 2 - i)];
  }
  std::copy(x.begin(), x.end(), wide.begin() + pad);
  run(filter, wide);
  std::reverse(wide.begin(), wide.end());
  run(filter, wide);
  std::reverse(wide.begin(), wide.end());
  return {wide.begin() + pad, wide.begin() + pad + n};
}

}  // namespace tenfold::stats
