// Centre-out reaching: the outputs are the force on a point mass (specification, section 2.2).
#pragma once

#include <memory>

#include "tools/bias-learning/rnn_task.h"

namespace tenfold::bias_learning {

constexpr int64_t kHold = 10;  // last steps, over which the loss is taken

struct ReachOptions {
  int64_t steps = 50, angles = 32;
  double dt = 0.1;
};

// Targets on the unit circle at 2 pi k / angles, all in every batch; held-out angles half-way
// between. Figures: the loss as "mse"; mean distance to the target at the last step at training and
// held-out angles. Throws UsageError for fewer steps than kHold.
std::unique_ptr<RnnTask> reaching_task(const ReachOptions& options);

}  // namespace tenfold::bias_learning
