// One rate network and one step of its training, fused: drive, recurrence, readout, cross-entropy,
// backpropagation and optimiser in place (specification, sections 3.1 and 4). float32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenfold::rich_lazy {

struct NetworkShape {
  int64_t steps = 0, inputs = 0, hidden = 0, outputs = 0;
  float alpha = 1;         // dt / tau
  bool last_only = false;  // the loss is of the last step's output alone

  int64_t recurrent_size() const { return hidden * hidden; }
  int64_t size() const { return hidden * (hidden + inputs + outputs); }
};

// W_rec [hidden, hidden], W_in [hidden, inputs], W_out [outputs, hidden], one after the other.
class Weights {
 public:
  Weights() = default;
  explicit Weights(const NetworkShape& shape) : shape_(shape), flat_(size_t(shape.size())) {}

  const NetworkShape& shape() const { return shape_; }
  float* recurrent() { return flat_.data(); }
  const float* recurrent() const { return flat_.data(); }
  float* input() { return flat_.data() + shape_.recurrent_size(); }
  const float* input() const { return flat_.data() + shape_.recurrent_size(); }
  float* output() { return input() + shape_.hidden * shape_.inputs; }
  const float* output() const { return input() + shape_.hidden * shape_.inputs; }
  std::vector<float>& flat() { return flat_; }
  const std::vector<float>& flat() const { return flat_; }

 private:
  NetworkShape shape_;
  std::vector<float> flat_;
};

// x [steps, batch, inputs], labels [steps, batch].
struct TrialsView {
  const float* x;
  const int64_t* labels;
  int64_t batch;
};

// What a step needs beside the weights; grows to the largest batch.
class Network {
 public:
  explicit Network(const NetworkShape& shape);

  // States h_1 .. h_steps and logits of every step (the last alone where the shape says so).
  void forward(const Weights& weights, const TrialsView& trials);
  const std::vector<float>& states() const { return states_; }  // [steps, batch, hidden]
  const std::vector<float>& slopes() const { return slopes_; }  // the same shape
  const std::vector<float>& logits() const { return logits_; }  // [steps or 1, batch, outputs]

  // Cross-entropy, mean over steps and trials. After forward.
  double loss(const TrialsView& trials);

  // forward, loss, and the gradient of every weight, or of W_rec alone.
  double gradient(const Weights& weights, const TrialsView& trials, bool recurrent_only);
  const std::vector<float>& gradient() const { return gradient_; }  // as Weights::flat

 private:
  void resize(int64_t batch);

  NetworkShape shape_;
  int64_t batch_ = 0;
  std::vector<float> drive_, states_, slopes_, d_states_, logits_, d_logits_, gradient_;
  std::vector<float> turned_;  // [inputs, hidden], of W_in and then of its gradient
};

enum class Rule { kMomentum, kAdam };

struct OptimizerOptions {
  Rule rule = Rule::kMomentum;
  double lr = 0.003, momentum = 0.9;
  bool recurrent_only = false;
};

// SGD: v <- momentum v + g, w <- w - lr v. Adam: betas 0.9 and 0.999, epsilon 1e-8, bias corrected.
struct Optimizer {
  OptimizerOptions options;
  std::vector<float> velocity, square;  // as Weights::flat; `square` is Adam's

  Optimizer() = default;
  Optimizer(const OptimizerOptions& options, const NetworkShape& shape);
  // `step` counts from 0.
  void update(Weights& weights, const std::vector<float>& gradient, int64_t step);
};

}  // namespace tenfold::rich_lazy
