#include "common/train/flat_optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "common/core/error.h"
#include "common/kernels/adamw.h"

namespace tenfold::train {

FlatOptimizer::FlatOptimizer(OptimizerOptions options, int64_t n, at::Device device,
                             at::Tensor decay)
    : options_(options), decay_(std::move(decay)) {
  const auto like = at::TensorOptions().dtype(at::kFloat).device(device);
  first_ = at::zeros({n}, like);
  if (options_.rule != Rule::kNesterov) second_ = at::zeros({n}, like);
  if (decay_.defined() && options_.rule != Rule::kAdamW) {
    throw UsageError("weight decay by entry: only with AdamW");
  }
}

void FlatOptimizer::step(const at::Tensor& parameters, const at::Tensor& gradient,
                         double gradient_scale) {
  ++steps_;
  if (options_.rule == Rule::kAdamW) {
    const kernels::AdamWOptions adam{options_.lr, options_.beta1, options_.beta2, options_.eps};
    const float* decay = decay_.defined() ? decay_.data_ptr<float>() : nullptr;
    const auto update = [&](auto&& kernel, auto... stream) {
      kernel(parameters.data_ptr<float>(), first_.data_ptr<float>(), second_.data_ptr<float>(),
             gradient.data_ptr<float>(), decay, options_.weight_decay, parameters.numel(), steps_,
             gradient_scale, adam, stream...);
    };
    // nullptr is the default stream, on which the rest of the step runs too.
    if (parameters.is_cuda()) {
      update(kernels::adamw_update_cuda, static_cast<void*>(nullptr));
    } else {
      update(kernels::adamw_update);
    }
    return;
  }
  at::Tensor scaled = gradient_scale == 1.0 ? gradient : gradient * gradient_scale;
  if (options_.weight_decay != 0) scaled = scaled + options_.weight_decay * parameters;
  options_.rule == Rule::kNAdam ? step_nadam(parameters, scaled)
                                : step_nesterov(parameters, scaled);
}

void FlatOptimizer::step_nadam(const at::Tensor& parameters, const at::Tensor& gradient) {
  const auto momentum_at = [&](double t) {
    return options_.beta1 * (1.0 - 0.5 * std::pow(0.96, t * options_.momentum_decay));
  };
  const double now = momentum_at(double(steps_)), next = momentum_at(double(steps_ + 1));
  momentum_product_ *= now;
  first_.mul_(options_.beta1).add_(gradient, 1 - options_.beta1);
  second_.mul_(options_.beta2).addcmul_(gradient, gradient, 1 - options_.beta2);
  const double correction = 1 - std::pow(options_.beta2, double(steps_));
  const at::Tensor denominator = second_.div(correction).sqrt_().add_(options_.eps);
  parameters.addcdiv_(gradient, denominator, -options_.lr * (1 - now) / (1 - momentum_product_));
  parameters.addcdiv_(first_, denominator, -options_.lr * next / (1 - momentum_product_ * next));
}

void FlatOptimizer::step_nesterov(const at::Tensor& parameters, const at::Tensor& gradient) {
  // PyTorch starts the buffer with the first gradient itself, which mul_ of zeros gives as well.
  first_.mul_(options_.momentum).add_(gradient);
  parameters.add_(gradient.add(first_, options_.momentum), -options_.lr);
}

void FlatOptimizer::visit_state(Archive& archive, const std::string& prefix) {
  archive.tensor(prefix + "first_moment", first_);
  if (second_.defined()) archive.tensor(prefix + "second_moment", second_);
  archive.number(prefix + "steps", steps_);
  archive.number(prefix + "momentum_product", momentum_product_);
}

}  // namespace tenfold::train
