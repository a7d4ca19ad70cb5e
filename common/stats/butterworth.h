// Butterworth filters as cascades of second-order sections (bilinear transform with prewarping).
#pragma once

#include <cstdint>
#include <vector>

namespace tenfold::stats {

// y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]
struct Biquad {
  double b0, b1, b2, a1, a2;
};

// `order` is even; cutoff in Hz, between 0 and rate / 2. Throw UsageError otherwise.
std::vector<Biquad> butterworth_low_pass(int64_t order, double cutoff_hz, double rate_hz);
std::vector<Biquad> butterworth_high_pass(int64_t order, double cutoff_hz, double rate_hz);

// Forwards and backwards, so that nothing is delayed and the response is squared. Before either end
// the series goes on as its reflection in a point, by 3 (2 sections + 1) samples (or as many as
// there are); sections begin in the steady state of the first sample.
std::vector<double> filtered_both_ways(const std::vector<Biquad>& filter,
                                       const std::vector<double>& x);

}  // namespace tenfold::stats
