// Optimisers on one flat float32 parameter vector: one fused pass a step, no per-tensor calls.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "common/train/archive.h"

namespace tenfold::train {

enum class Rule { kAdamW, kNAdam, kNesterov };

struct OptimizerOptions {
  Rule rule = Rule::kAdamW;
  double lr = 1e-3, weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  // AdamW, NAdam
  double momentum_decay = 4e-3;                   // NAdam (Dozat 2016; PyTorch's formula)
  double momentum = 0.9;                          // Nesterov: SGD with dampening 0
};

class FlatOptimizer {
 public:
  // For a parameter vector [n] float32. Weight decay is decoupled for AdamW and is added to the
  // gradient for NAdam and Nesterov, as in PyTorch. `decay` [n] (optional) replaces the uniform
  // weight decay.
  FlatOptimizer(OptimizerOptions options, int64_t n, at::Device device, at::Tensor decay = {});

  // parameters [n] in place; gradient [n] is scaled by `gradient_scale` first.
  void step(const at::Tensor& parameters, const at::Tensor& gradient, double gradient_scale = 1.0);

  void set_lr(double lr) { options_.lr = lr; }
  int64_t steps() const { return steps_; }
  void visit_state(Archive& archive, const std::string& prefix);

 private:
  void step_nadam(const at::Tensor& parameters, const at::Tensor& gradient);
  void step_nesterov(const at::Tensor& parameters, const at::Tensor& gradient);

  OptimizerOptions options_;
  at::Tensor first_, second_, decay_;  // [n]
  int64_t steps_ = 0;
  double momentum_product_ = 1;  // NAdam: product of the momenta so far
};

}  // namespace tenfold::train
