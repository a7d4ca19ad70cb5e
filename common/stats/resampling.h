// Change of a series' sampling rate: polyphase, with a low-pass filter of zero delay.
#pragma once

#include <cstdint>
#include <vector>

namespace tenfold::stats {

// A sinc under a Kaiser window (beta 8), cut at 0.9 of the smaller Nyquist rate, 20 zero crossings
// to each side; the weights of every output sum to 1. Output m lies at the time m / rate_out,
// input i at i / rate_in.
class Resampler {
 public:
  // Rates in Hz. Their ratio is taken as the nearest fraction with a numerator of at most 8192:
  // exact for usual rates, off by less than 2e-8 for others. Throws UsageError unless both are
  // above 0, finite, and within a factor of 8192.
  Resampler(double rate_in, double rate_out);

  // The weights of output m: those of the inputs first, first + 1, ...
  struct Taps {
    int64_t first;
    const std::vector<double>& weights;
  };
  Taps taps(int64_t m) const;

  // How far before and after its own place an output looks, in input samples.
  int64_t reach() const { return reach_; }

  // Outputs that lie within `n` inputs: ceil(n * rate_out / rate_in).
  int64_t output_size(int64_t n) const;

  // One channel [n], zero outside of it -> [output_size(n)].
  std::vector<double> apply(const std::vector<double>& x) const;

 private:
  int64_t up_ = 1, down_ = 1, reach_ = 0;
  std::vector<std::vector<double>> phases_;  // [up_][2 reach_ + 1]
};

}  // namespace tenfold::stats
