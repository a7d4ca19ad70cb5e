#include "tools/rich-lazy/network.h"

#include <algorithm>
#include <cmath>

#include "common/kernels/rate_rnn.h"
#include "common/kernels/thin_product.h"

namespace tenfold::rich_lazy {
namespace {

kernels::RateRnnShape recurrence(const NetworkShape& s, int64_t batch) {
  return {s.steps, batch, s.hidden, 0, 1, 1 - s.alpha, s.alpha, kernels::RateActivation::kRelu};
}

// to [columns, rows] = scale from^T.
void transpose(const float* from, int64_t rows, int64_t columns, float scale, float* to) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) to[j * rows + i] = scale * from[i * columns + j];
}

}  // namespace

Network::Network(const NetworkShape& shape)
    : shape_(shape),
      gradient_(size_t(shape.size())),
      turned_(size_t(shape.hidden * shape.inputs)) {}

void Network::resize(int64_t batch) {
  if (batch == batch_) return;
  batch_ = batch;
  const size_t states = size_t(shape_.steps * batch * shape_.hidden);
  for (std::vector<float>* v : {&drive_, &states_, &slopes_, &d_states_}) v->assign(states, 0.0f);
  const size_t outputs = size_t((shape_.last_only ? 1 : shape_.steps) * batch * shape_.outputs);
  logits_.assign(outputs, 0.0f);
  d_logits_.assign(outputs, 0.0f);
}

void Network::forward(const Weights& weights, const TrialsView& trials) {
  resize(trials.batch);
  const NetworkShape& s = shape_;
  const int64_t rows = s.steps * batch_, read = s.last_only ? batch_ : rows;
  transpose(weights.input(), s.hidden, s.inputs, 1, turned_.data());
  kernels::thin_product(rows, s.inputs, s.hidden, trials.x, turned_.data(), drive_.data());
  const kernels::RateRnnInput input{weights.recurrent(), nullptr, nullptr, drive_.data(),
                                    batch_ * s.hidden};
  kernels::rate_rnn(recurrence(s, batch_), input, states_.data(), slopes_.data());
  kernels::narrow_product(read, s.hidden, s.outputs, states_.data() + (rows - read) * s.hidden,
                          weights.output(), logits_.data());
}

double Network::loss(const TrialsView& trials) {
  const int64_t outputs = shape_.outputs, read = int64_t(logits_.size()) / outputs;
  const int64_t* labels = trials.labels + shape_.steps * batch_ - read;
  const float share = 1.0f / float(read);
  double sum = 0;
  for (int64_t i = 0; i < read; ++i) {
    const float* z = logits_.data() + i * outputs;
    float* d = d_logits_.data() + i * outputs;
    const float top = *std::max_element(z, z + outputs);
    float total = 0;
    for (int64_t k = 0; k < outputs; ++k) total += d[k] = std::exp(z[k] - top);
    for (int64_t k = 0; k < outputs; ++k) d[k] *= share / total;
    d[labels[i]] -= share;
    sum += double(std::log(total)) - double(z[labels[i]] - top);
  }
  return sum / double(read);
}

double Network::gradient(const Weights& weights, const TrialsView& trials, bool recurrent_only) {
  forward(weights, trials);
  const double mean = loss(trials);
  const NetworkShape& s = shape_;
  const int64_t rows = s.steps * batch_, read = s.last_only ? batch_ : rows;
  if (s.last_only) {  // the backward pass leaves its own numbers in the other steps
    std::fill(d_states_.begin(), d_states_.begin() + (rows - read) * s.hidden, 0.0f);
  }
  kernels::thin_product(read, s.outputs, s.hidden, d_logits_.data(), weights.output(),
                        d_states_.data() + (rows - read) * s.hidden);
  const kernels::RateRnnShape shape = recurrence(s, batch_);
  const kernels::RateRnnInput input{weights.recurrent(), nullptr, nullptr, drive_.data(),
                                    batch_ * s.hidden};
  kernels::rate_rnn_backward(shape, input, slopes_.data(), d_states_.data(), nullptr);
  float* g = gradient_.data();
  kernels::rate_rnn_weight_gradient(shape, input, states_.data(), d_states_.data(), g);
  if (recurrent_only) return mean;
  g += s.recurrent_size();
  kernels::tall_product(rows, s.inputs, s.hidden, trials.x, d_states_.data(), turned_.data());
  transpose(turned_.data(), s.inputs, s.hidden, s.alpha, g);
  kernels::tall_product(read, s.outputs, s.hidden, d_logits_.data(),
                        states_.data() + (rows - read) * s.hidden, g + s.hidden * s.inputs);
  return mean;
}

Optimizer::Optimizer(const OptimizerOptions& o, const NetworkShape& shape) : options(o) {
  const size_t size = size_t(o.recurrent_only ? shape.recurrent_size() : shape.size());
  velocity.assign(size, 0.0f);
  if (o.rule == Rule::kAdam) square.assign(size, 0.0f);
}

void Optimizer::update(Weights& weights, const std::vector<float>& gradient, int64_t step) {
  float* const w = weights.flat().data();
  const float* const g = gradient.data();
  float* const v = velocity.data();
  const int64_t size = int64_t(velocity.size());
  const float lr = float(options.lr), momentum = float(options.momentum);
  if (options.rule == Rule::kMomentum) {
    for (int64_t i = 0; i < size; ++i) {
      v[i] = momentum * v[i] + g[i];
      w[i] -= lr * v[i];
    }
    return;
  }
  constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;
  const float correct1 = float(1 / (1 - std::pow(0.9, double(step + 1))));
  const float correct2 = float(1 / (1 - std::pow(0.999, double(step + 1))));
  float* const q = square.data();
  for (int64_t i = 0; i < size; ++i) {
    v[i] = kBeta1 * v[i] + (1 - kBeta1) * g[i];
    q[i] = kBeta2 * q[i] + (1 - kBeta2) * g[i] * g[i];
    w[i] -= lr * correct1 * v[i] / (std::sqrt(correct2 * q[i]) + kEpsilon);
  }
}

}  // namespace tenfold::rich_lazy
