// Trajectories that a recurrent network is to generate by itself (specification, section 2.2).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace tenfold::bias_learning {

struct Trajectory {
  std::vector<double> target;                 // y_1 .. y_T
  std::vector<std::array<double, 2>> states;  // van der Pol: (x, v) of every target; else empty
};

// cos(2 pi t / period), t = 1 .. steps.
Trajectory cosine(int64_t steps, double period);

// x' = v, v' = (1 - x^2) v - x by RK4 of step 0.1 from (2, 0); 400 steps dropped; x divided by its
// largest |x| among those kept.
Trajectory van_der_pol(int64_t steps);

double variance(const std::vector<double>& v);  // n - 1

}  // namespace tenfold::bias_learning
