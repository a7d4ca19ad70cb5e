// What can be computed without learning, on the same tasks in the same order as a learner is
// evaluated (specification, sections 5 and 6).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tools/prequential-icl/batches.h"
#include "tools/prequential-icl/families.h"
#include "tools/prequential-icl/mastermind.h"

namespace tenfold::prequential_icl {

enum class LinearMethod { kBayes, kRidge, kLeastSquares };

struct LinearPrior {
  double noise = 0.2;
  std::vector<bool> kept;  // [x_dim]: inputs that may have a weight
};

struct LinearLosses {
  at::Tensor squared;   // [batch, S] float64: realised error at context c = 0..S-1
  at::Tensor expected;  // [batch, S] float64: noise^2 + q' P_c^-1 q; Bayes only
};

// Bayes: prior w ~ N(0, I / (intrinsic_dim + 1)) on the kept inputs and the bias; ridge: the
// penalty noise^2 (intrinsic_dim + 1) on all of them; least squares: the solution of least norm.
LinearLosses linear_losses(const Batch& batch, const LinearPrior& prior, LinearMethod method);

// The exact predictor by enumeration, and the running label frequencies: [batch, S] float64.
at::Tensor mastermind_bayes_losses(const Batch& batch, const MastermindSizes& sizes);
at::Tensor marginal_label_losses(const Batch& batch, const std::vector<int64_t>& classes);

// Squared error of the task's own function; `theta` [batch, ...] are its parameters.
at::Tensor known_function_losses(const Batch& batch, const Family& family, const at::Tensor& theta);

}  // namespace tenfold::prequential_icl
