// The two-layer linear network f(x) = W2 W1 F x: expected alignment of its tangent kernel, by
// formula and by gradient descent (specification, section 5.2). float64.
#pragma once

#include <cstdint>
#include <string>

#include "tools/rich-lazy/matrix.h"

namespace tenfold::rich_lazy {

struct TheoryOptions {
  int64_t inputs = 20, hidden = 40, tasks = 20;
  double kappa = 1;  // singular values of half of F; the others are 1
  std::string start = "random";
  double init_scale = 0.01;  // ||W1(0)||; W2(0) = 0
};

struct TheoryRow {
  int64_t rank = 0;
  double ka_mean = 0, ka_se = 0;  // of the simulated tasks
  double ka_theory = 0;           // closed form at kappa 1, else the mean over 200 random (F, w)
  int64_t unfinished = 0;         // simulations that reached the limit of steps
};

// (1 + 1 / d) Tr A / (||A|| sqrt(d + 3)): the expected alignment over tasks on the unit sphere, of
// A = W1(0)^T W1(0), F = I.
double expected_alignment(const Matrix& a);

// Throws NumericError where gradient descent diverges.
TheoryRow theory_row(const TheoryOptions& options, int64_t rank, uint64_t seed);

}  // namespace tenfold::rich_lazy
