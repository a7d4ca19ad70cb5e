// Trajectories that recurrent networks generate or forecast (specification, section 2.2).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tenfold::bias_learning {

using Rows = std::vector<std::vector<double>>;  // [steps][columns]

// cos(2 pi t / period), t = 1 .. steps.
std::vector<double> cosine(int64_t steps, double period);

struct Integration {
  std::vector<double> start;
  double dt = 0.1;
  int64_t burn_in = 0;  // steps dropped before the first that is kept
};

// x' = v, v' = (1 - x^2) v - x; (x, v) after every step of RK4 that is kept. Both throw UsageError
// naming --dt where a state is not finite or leaves every bound.
Rows van_der_pol(int64_t steps, const Integration& how);
// x' = 10 (y - x), y' = x (28 - z) - y, z' = x y - (8/3) z.
Rows lorenz(int64_t steps, const Integration& how);

std::vector<double> column(const Rows& rows, size_t k);

// Divides by the largest absolute value.
void scale_to_one(std::vector<double>& v);

struct Standard {
  double mean = 0, deviation = 1;
};
// Of the first `count` values (deviation by n - 1).
Standard standard_of(const std::vector<double>& v, size_t count);

// The first lag at which the autocorrelation is below a half.
int64_t autocorrelation_half_width(const std::vector<double>& v);

double variance(const std::vector<double>& v);  // n - 1

}  // namespace tenfold::bias_learning
