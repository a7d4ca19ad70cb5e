#include "common/stats/resampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::stats {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kBeta = 8, kCut = 0.9, kCrossings = 20;
constexpr int64_t kLargestTerm = 8192;
constexpr double kExact = 1e-13;

struct Fraction {
  int64_t numerator, denominator;
};

// The last convergent of the continued fraction whose numerator stays small.
Fraction nearest_fraction(double ratio) {
  int64_t before_n = 0, before_d = 1, n = 1, d = 0;
  double rest = ratio;
  for (;;) {
    const double whole = std::floor(rest);
    if (whole > static_cast<double>(kLargestTerm)) break;
    const auto w = static_cast<int64_t>(whole);
    const int64_t next_n = w * n + before_n, next_d = w * d + before_d;
    if (next_n > kLargestTerm) break;
    before_n = n, before_d = d, n = next_n, d = next_d;
    const double found = static_cast<double>(n) / static_cast<double>(d);
    if (std::abs(found - ratio) <= kExact * ratio || rest == whole) break;
    rest = 1 / (rest - whole);
  }
  return {n, d};
}

double kaiser(double place) {
  if (std::abs(place) >= 1) return 0;
  return std::cyl_bessel_i(0.0, kBeta * std::sqrt(1 - place * place)) /
         std::cyl_bessel_i(0.0, kBeta);
}

double sinc(double x) { return x == 0 ? 1 : std::sin(kPi * x) / (kPi * x); }

// Four sums at a time, which the compiler may not do on its own.
double dot(const double* a, const double* b, int64_t n) {
  double sums[4] = {};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (int64_t j = 0; j < 4; ++j) sums[j] += a[i + j] * b[i + j];
  }
  for (; i < n; ++i) sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

Resampler::Resampler(double rate_in, double rate_out) {
  const double ratio = rate_out / rate_in;
  constexpr auto kLimit = static_cast<double>(kLargestTerm);
  if (!(rate_in > 0) || !(rate_out > 0) || !(ratio <= kLimit && ratio >= 1 / kLimit)) {
    throw UsageError(fmt::format(
        "resampling: found {} Hz to {} Hz, expected rates above 0 within a factor of {}", rate_in,
        rate_out, kLargestTerm));
  }
  const Fraction f = nearest_fraction(ratio);
  up_ = f.numerator;
  down_ = f.denominator;
  const double crossings_per_input = kCut * std::min(1.0, ratio);
  const double width = kCrossings / crossings_per_input;  // of one side, in inputs
  reach_ = static_cast<int64_t>(std::ceil(width));
  for (int64_t phase = 0; phase < up_; ++phase) {
    std::vector<double> weights;
    double sum = 0;
    for (int64_t k = -reach_; k <= reach_; ++k) {
      const double from_output =
          static_cast<double>(k) - static_cast<double>(phase) / static_cast<double>(up_);
      weights.push_back(sinc(from_output * crossings_per_input) * kaiser(from_output / width));
      sum += weights.back();
    }
    for (double& w : weights) w /= sum;
    phases_.push_back(std::move(weights));
  }
}

Resampler::Taps Resampler::taps(int64_t m) const {
  const int64_t place = m * down_;
  return {place / up_ - reach_, phases_[static_cast<size_t>(place % up_)]};
}

int64_t Resampler::output_size(int64_t n) const { return (n * up_ + down_ - 1) / down_; }

std::vector<double> Resampler::apply(const std::vector<double>& x) const {
  const auto n = static_cast<int64_t>(x.size());
  std::vector<double> out(static_cast<size_t>(output_size(n)));
  for (int64_t m = 0; m < static_cast<int64_t>(out.size()); ++m) {
    const Taps t = taps(m);
    const int64_t low = std::max<int64_t>(0, -t.first);
    const int64_t high = std::min<int64_t>(2 * reach_ + 1, n - t.first);
    if (low < high) out[m] = dot(t.weights.data() + low, x.data() + t.first + low, high - low);
  }
  return out;
}

}  // namespace tenfold::stats
