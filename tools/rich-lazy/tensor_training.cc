#include "tools/rich-lazy/tensor_training.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <utility>

#include "common/nn/rate_rnn.h"

namespace tenfold::rich_lazy {
namespace {

at::Tensor view(float* data, at::IntArrayRef shape) {
  return at::from_blob(data, shape, at::kFloat);
}

at::Tensor of_each(const at::Tensor& v, const at::Tensor& like) {  // [members] -> [members, 1, 1]
  return v.view({like.size(0), 1, 1});
}

}  // namespace

TensorTraining::TensorTraining(const NetworkShape& shape, std::vector<Member> members,
                               size_t sources, at::Device device)
    : shape_(shape), members_(std::move(members)), sources_(sources), device_(device) {
  const int64_t n = int64_t(members_.size());
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  weights_ = {at::zeros({n, shape.hidden, shape.hidden}, options),
              at::zeros({n, shape.hidden, shape.inputs}, options),
              at::zeros({n, shape.outputs, shape.hidden}, options)};
  const OptimizerOptions& o = members_[0].optimizer->options;
  const size_t trained = o.recurrent_only ? 1 : 3;
  for (size_t i = 0; i < trained; ++i) {
    velocity_.push_back(at::zeros_like(weights_[i]));
    if (o.rule == Rule::kAdam) square_.push_back(at::zeros_like(weights_[i]));
  }
  std::vector<int64_t> source;
  std::vector<float> rate;
  for (const Member& m : members_) {
    source.push_back(int64_t(m.source));
    rate.push_back(float(m.optimizer->options.lr));
  }
  source_of_ = at::from_blob(source.data(), {n}, at::kLong).clone().to(device);
  rate_ = view(rate.data(), {n}).clone().to(device);
}

void TensorTraining::copy(bool to_device) {
  const at::NoGradGuard no_gradient;
  const int64_t size[] = {shape_.recurrent_size(), shape_.hidden * shape_.inputs,
                          shape_.outputs * shape_.hidden};
  for (size_t k = 0; k < members_.size(); ++k) {
    const auto move = [&](const std::vector<at::Tensor>& parts, float* host) {
      for (size_t i = 0; i < parts.size(); host += size[i], ++i) {
        const at::Tensor there = parts[i].select(0, int64_t(k)), here = view(host, there.sizes());
        (to_device ? there : here).copy_(to_device ? here : there);
      }
    };
    move(weights_, members_[k].weights->flat().data());
    move(velocity_, members_[k].optimizer->velocity.data());
    move(square_, members_[k].optimizer->square.data());
  }
}

void TensorTraining::upload(const std::vector<bool>& alive) {
  copy(true);
  std::vector<float> lives(alive.begin(), alive.end());
  alive_ = view(lives.data(), {int64_t(lives.size())}).clone().to(device_).gt(0);
}

void TensorTraining::download() { copy(false); }

at::Tensor TensorTraining::losses(const at::Tensor& x, const at::Tensor& labels) const {
  const int64_t n = x.size(0), steps = shape_.steps, batch = x.size(2);
  const nn::RateForm form{0, 1, 1 - double(shape_.alpha), double(shape_.alpha),
                          kernels::RateActivation::kRelu};
  const at::Tensor drive =
      at::matmul(x.view({n, steps * batch, shape_.inputs}), weights_[1].transpose(1, 2))
          .view({n, steps, batch, shape_.hidden});
  const int64_t from = shape_.last_only ? steps - 1 : 0, rows = (steps - from) * batch;
  const at::Tensor states =
      nn::rate_rnn(form, weights_[0], drive, {}, {}, steps, batch).narrow(1, from, steps - from);
  const at::Tensor logits =
      at::matmul(states.reshape({n, rows, shape_.hidden}), weights_[2].transpose(1, 2));
  const at::Tensor wanted = labels.narrow(1, from, steps - from).reshape({n, rows, 1});
  return -at::log_softmax(logits, 2).gather(2, wanted).mean({1, 2});
}

void TensorTraining::update(const std::vector<at::Tensor>& gradients, int64_t step) {
  const OptimizerOptions& o = members_[0].optimizer->options;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const at::Tensor &g = gradients[i], &w = weights_[i], &v = velocity_[i];
    const at::Tensor goes_on = of_each(alive_, w), rate = of_each(rate_, w);
    at::Tensor change;
    if (o.rule == Rule::kMomentum) {
      v.copy_(at::where(goes_on, o.momentum * v + g, v));
      change = v;
    } else {
      const at::Tensor& q = square_[i];
      v.copy_(at::where(goes_on, 0.9 * v + 0.1 * g, v));
      q.copy_(at::where(goes_on, 0.999 * q + 0.001 * g * g, q));
      change = v / (1 - std::pow(0.9, double(step + 1))) /
               ((q / (1 - std::pow(0.999, double(step + 1)))).sqrt() + 1e-8);
    }
    w.copy_(at::where(goes_on, w - rate * change, w));
  }
}

std::vector<float> TensorTraining::train(const std::vector<std::vector<const Trials*>>& batches,
                                         int64_t first) {
  const int64_t count = int64_t(batches.size()), batch = batches[0][0]->batch;
  const int64_t steps = shape_.steps;
  std::vector<float> x;
  std::vector<int64_t> labels;
  for (const std::vector<const Trials*>& of_iteration : batches) {
    for (const Trials* t : of_iteration) {
      x.insert(x.end(), t->x.begin(), t->x.end());
      labels.insert(labels.end(), t->labels.begin(), t->labels.end());
    }
  }
  const int64_t sources = int64_t(sources_);
  const at::Tensor all_x =
      view(x.data(), {count, sources, steps, batch, shape_.inputs}).to(device_);
  const at::Tensor all_labels =
      at::from_blob(labels.data(), {count, sources, steps, batch}, at::kLong).to(device_);
  const std::vector<at::Tensor> trained(weights_.begin(),
                                        weights_.begin() + int64_t(velocity_.size()));
  std::vector<at::Tensor> found;
  for (int64_t i = 0; i < count; ++i) {
    for (const at::Tensor& w : trained) w.requires_grad_(true);
    const at::Tensor loss =
        losses(all_x[i].index_select(0, source_of_), all_labels[i].index_select(0, source_of_));
    const std::vector<at::Tensor> gradients = torch::autograd::grad({loss.sum()}, trained);
    for (const at::Tensor& w : trained) w.requires_grad_(false);
    found.push_back(loss.detach());
    alive_ = at::logical_and(alive_, at::isfinite(found.back()));
    update(gradients, first + i);
  }
  const at::Tensor together = at::stack(found, 1).to(at::kCPU).contiguous();
  return {together.data_ptr<float>(), together.data_ptr<float>() + together.numel()};
}

}  // namespace tenfold::rich_lazy
