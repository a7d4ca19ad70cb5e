// The prequential coding curve of a learner on a set of tasks (specification, section 5).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "tools/prequential-icl/batches.h"
#include "tools/prequential-icl/learner.h"
#include "tools/prequential-icl/objective.h"

namespace tenfold::prequential_icl {

// Means over tasks by context length; `error` is the standard error over tasks.
struct Curve {
  std::vector<double> mean, error;

  bool empty() const { return mean.empty(); }
};

struct Evaluation {
  Contexts contexts;
  int64_t tasks = 0;
  Curve next, train, ood;  // empty where the learner has no such loss
  Curve excess_norm;       // polynomial heads: norm of the coefficients above the degree
  Curve kl_to_oracle, kl_from_oracle;  // KL(model || oracle) and KL(oracle || model), nats
  std::optional<double> effective_z_dim;

  // The sum of the next-point loss over c = 1..S-1.
  double code_length() const;
  double mean_of(const Curve& curve) const;
};

struct EvaluationOptions {
  bool ood = true;
  int64_t max_tasks = 0;  // 0: all
  int64_t degree = -1;    // of the data, for excess_norm
  // log p(x_{c+1} | x_1..c) of the exact oracle for the first sequences, [sequences, S, symbols],
  // or undefined.
  at::Tensor oracle_log_p;
};

// Points are permuted by the stream of `batcher` and each task's number: the same every time.
Evaluation evaluate_learner(const Learner& learner, const DataShape& shape, const Batcher& batcher,
                            const MetaSplit& split, const Contexts& contexts, uint64_t seed,
                            const EvaluationOptions& options);

// Sums of per-task losses [batch, contexts], for means and standard errors.
class CurveSum {
 public:
  void add(const at::Tensor& losses);
  Curve curve() const;

 private:
  at::Tensor sum_, squares_;  // [contexts] float64
  int64_t count_ = 0;
};

// (sum v)^2 / sum v^2 over the PCA variances v of the rows of `z` [n, z_dim].
double effective_dimension(const at::Tensor& z);

}  // namespace tenfold::prequential_icl
