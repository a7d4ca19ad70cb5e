#include "tools/samba-align/series_resampling.h"

#include <algorithm>
#include <cmath>

namespace tenfold::samba_align {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kBeta = 9;  // of the Kaiser window: 90 dB

}  // namespace

SeriesResampling::SeriesResampling(int64_t factor)
    : factor_(factor), taps_(size_t(2 * kReach * factor)), phase_(taps_.size()) {
  const int64_t middle = kReach * factor;
  std::vector<double> taps(taps_.size());
  double sum = 0;
  for (int64_t k = 1; k < 2 * middle; ++k) {
    const double at = double(k - middle), share = at / double(middle),
                 angle = kPi * at / double(factor);
    const double window = std::cyl_bessel_i(0.0, kBeta * std::sqrt(1 - share * share));
    sum += taps[size_t(k)] = window * (at == 0 ? 1 : std::sin(angle) / angle);
  }
  for (size_t k = 0; k < taps.size(); ++k) taps_[k] = float(taps[k] / sum);
  for (int64_t j = -kReach + 1; j <= kReach; ++j) {
    for (int64_t r = 0; r < factor; ++r) {
      const int64_t k = middle + r - j * factor;
      phase_[size_t((j + kReach - 1) * factor + r)] = float(double(factor) * taps[size_t(k)] / sum);
    }
  }
}

void SeriesResampling::decimate(const float* x, int64_t count, int64_t first, int64_t low_count,
                                float* low) const {
  constexpr int64_t kSums = 16;  // beside each other, for vectors
  const int64_t length = int64_t(taps_.size()), middle = kReach * factor_;
  for (int64_t n = 0; n < low_count; ++n) {
    const int64_t start = (first + n) * factor_ - middle;
    const int64_t from = std::max<int64_t>(0, -start), end = std::min(length, count - start);
    float sums[kSums] = {};
    int64_t k = from;
    for (; k + kSums <= end; k += kSums)
      for (int64_t i = 0; i < kSums; ++i) sums[i] += taps_[size_t(k + i)] * x[start + k + i];
    float sum = 0;
    for (; k < end; ++k) sum += taps_[size_t(k)] * x[start + k];
    for (const float each : sums) sum += each;
    low[n] = sum;
  }
}

void SeriesResampling::interpolate(const float* low, int64_t count, float* y) const {
  for (int64_t n = 0; n < count / factor_; ++n, y += factor_) {
    for (int64_t r = 0; r < factor_; ++r) y[r] = 0;
    for (int64_t j = 0; j < 2 * kReach; ++j) {
      const float* phase = phase_.data() + j * factor_;
      for (int64_t r = 0; r < factor_; ++r) y[r] += phase[r] * low[n + j];
    }
  }
}

}  // namespace tenfold::samba_align
