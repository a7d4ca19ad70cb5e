// How much training changed a network (specification, section 5.1).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tools/rich-lazy/network.h"

namespace tenfold::rich_lazy {

// Trials that the measures are taken on; the kernel uses the first `ntk_trials` of them.
struct EvaluationTrials {
  TrialsView trials;
  int64_t ntk_trials;
};

struct Measures {
  double weight_change_norm = 0,
         weight_change_relative = 0;                      // of W_rec, Frobenius; by ||W_rec(0)||
  std::optional<double> rep_alignment, kernel_alignment;  // nothing: no active unit
  double sign_similarity = 0;  // equal sign(h), last step or (last_only) every step
  // y^T K y / (|y|^2 Tr K) with y = 1[label] - 1 / outputs, before and after.
  std::optional<double> initial_target_alignment, target_alignment;
  // Of the final weights: mean over all steps, and at the last step alone.
  double evaluation_loss = 0, decision_loss = 0, decision_accuracy = 0;
  int64_t ntk_size = 0;
  double seconds_ntk = 0;
};

Measures measure(const Weights& initial, const Weights& last, const EvaluationTrials& evaluation);

// K [size, size] over (step, trial, output), the output fastest.
struct TangentKernel {
  int64_t size = 0;
  std::vector<float> values;
};
TangentKernel tangent_kernel(const Weights& weights, const TrialsView& trials);

// Of trials whose largest logit at the last step is the label's.
double decision_accuracy(const Weights& weights, const TrialsView& trials);

// Outputs of which the kernel holds every pair: entries a side.
int64_t ntk_size(const NetworkShape& shape, int64_t trials);

}  // namespace tenfold::rich_lazy
