// Random recurrent networks of rates (specification, section 3.3):
//   r_t = -alpha r_{t-1} + beta phi(W r_{t-1} + B x_t + b),  y_t = C r_t
// where x_t is what the network has just been shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/kernels/rate_rnn.h"

namespace tenfold::bias_learning {

struct NetworkShape {
  int64_t hidden = 100, inputs = 0, outputs = 1;
  double alpha = -0.9, beta = 0.1;
  kernels::RateActivation activation = kernels::RateActivation::kRelu;
};

kernels::RateActivation activation_named(const std::string& name);  // relu, tanh, sigmoid

// How weights are drawn: W normal of variance g^2 / N; B and C normal of variance 1 / fan-in, or
// uniform in +-range; r_0 uniform from 0 to `start`.
struct NetworkDraw {
  bool uniform = false;
  double range = 0.1, start = 0.1;
};

// All numbers of a network in one vector: W [N, N], B [N, inputs], C [outputs, N], b [N], r_0 [N].
struct RateNetwork {
  NetworkShape shape;
  uint64_t seed = 0;
  double gain = 0;
  std::vector<float> values;

  int64_t input_at() const { return shape.hidden * shape.hidden; }
  int64_t readout_at() const { return input_at() + shape.hidden * shape.inputs; }
  int64_t bias_at() const { return readout_at() + shape.outputs * shape.hidden; }
  int64_t start_at() const { return bias_at() + shape.hidden; }
  const float* weight() const { return values.data(); }
  const float* input() const { return values.data() + input_at(); }
  const float* readout() const { return values.data() + readout_at(); }
  const float* bias() const { return values.data() + bias_at(); }
  const float* start() const { return values.data() + start_at(); }

  // Biases zero: the network before training.
  RateNetwork without_biases() const;
};

// The draws of a seed are the same for every gain but for the factor of W.
RateNetwork draw_network(const NetworkShape& shape, const NetworkDraw& draw, uint64_t seed,
                         double gain);

// What a batch of trials shows and asks for.
struct Trials {
  int64_t steps = 0, batch = 1;
  bool constant_input = false;
  std::vector<float> x;       // [steps, batch, inputs], or [batch, inputs] of constant input
  std::vector<float> target;  // as the task lays it out; usually [steps, batch, outputs]
};

// Trials first .. first + count - 1 as a batch of their own, but for the targets.
void take_trials(const Trials& all, int64_t inputs, int64_t first, int64_t count, Trials& out);

// Kept between calls, so that a step allocates nothing.
struct NetworkBuffers {
  std::vector<float> drive, start, states, slopes, d_states, y, d_y, d_start, gradient;
};

// Fills states, slopes [steps, batch, N] and y [steps, batch, outputs]. Trials begin in r_0, or in
// `from` [batch, N].
void run_network(const RateNetwork& net, const Trials& trials, NetworkBuffers& buffers,
                 const float* from = nullptr);

// After run_network, from d_y [steps, batch, outputs]: the gradient, laid out as `values`, of b,
// of r_0 with `start`, and of everything else with `full`; other entries are left as they are.
void network_gradient(const RateNetwork& net, const Trials& trials, NetworkBuffers& buffers,
                      bool full, bool start);

}  // namespace tenfold::bias_learning
