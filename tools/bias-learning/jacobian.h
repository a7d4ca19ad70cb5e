// Eigenvalues of a recurrent network's map at its own states (specification, section 5.1).
#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "tools/bias-learning/rate_network.h"

namespace tenfold::bias_learning {

struct Spectrum {
  int64_t step = 0;  // counted from 1
  std::vector<std::complex<double>> eigenvalues;
  double radius = 0;
  int64_t active = 0;  // units with W r + B x + b > 0
};

// Of J = -alpha I + beta diag(phi'(W r + B x + b)) W at `count` equally spaced steps of a single
// trial, the last among them.
std::vector<Spectrum> spectra_along(const RateNetwork& net, const Trials& trial, int64_t count);

// Throws UsageError where a trial has fewer steps than --jacobian-steps asks for.
void require_steps(const Trials& trial, int64_t count);

}  // namespace tenfold::bias_learning
