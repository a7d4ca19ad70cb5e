// Slow series at a lower rate and back: what --hrf-rate convolves at (specification, section 9).
#pragma once

#include <cstdint>
#include <vector>

namespace tenfold::samba_align {

// Between a rate and one that is `factor` times lower, with the sinc function of the lower rate's
// band under a Kaiser window of eight low samples: to 1e-4, what is slower than 1/7 of the low rate
// stays and what could be mistaken for it goes.
class SeriesResampling {
 public:
  static constexpr int64_t kReach = 4;  // low samples on either side

  explicit SeriesResampling(int64_t factor);

  int64_t factor() const { return factor_; }

  // The low sample number n of x [count] lies at its sample factor * n; of numbers first .. first +
  // low_count - 1, low[n - first]. Zero beyond the ends of x. A constant stays.
  void decimate(const float* x, int64_t count, int64_t first, int64_t low_count, float* low) const;
  // y [count] at samples 0 .. count - 1 from low samples -3 .. count / factor + 3; `count` is a
  // multiple of the factor. `factor` times the transpose of `decimate` to these.
  void interpolate(const float* low, int64_t count, float* y) const;

 private:
  int64_t factor_;
  std::vector<float> taps_;   // [2 * kReach * factor], the middle one at kReach * factor; sums to 1
  std::vector<float> phase_;  // [2 * kReach][factor]: of the low sample -3 .. 4 after an output's
};

}  // namespace tenfold::samba_align
