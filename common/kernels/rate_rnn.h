// A recurrent network of rates on the CPU, forward and backpropagation through time, float32:
//   r_t = keep r_{t-1} + rate phi(u_t),  u_t = inner r_{t-1} + drive (W r_{t-1} + x_t + b)
// (rich-lazy, arXiv 2310.08513: keep 0, rate 1, inner 1 - alpha, drive alpha; bias-learning, arXiv
// 2407.00957: keep -alpha, rate beta, inner 0, drive 1). One network at a time: its weights stay in
// the cache for all steps.
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

enum class RateActivation { kRelu, kTanh, kSigmoid, kHeaviside };  // the last has slope 0

struct RateRnnShape {
  int64_t steps, batch, units;
  float keep, rate, inner, drive;
  RateActivation activation;
};

struct RateRnnInput {
  const float* weight;  // [units, units], row: the unit that receives
  const float* bias;    // [units]; nullptr: none
  const float* start;   // r_0 [batch, units]; nullptr: zero
  const float* x;       // [steps, batch, units], what comes from outside; nullptr: none
  int64_t x_step;       // floats between two steps of x; 0: the same at every step
};

// Writes states r_1 .. r_steps [steps, batch, units] and slopes phi'(u_t), the same shape; nullptr
// where no gradient is wanted.
void rate_rnn(const RateRnnShape& shape, const RateRnnInput& input, float* states, float* slopes);

// d_states [steps, batch, units]: the loss by every state as an output alone; becomes the loss by
// u_t. d_start [batch, units] is written unless nullptr.
void rate_rnn_backward(const RateRnnShape& shape, const RateRnnInput& input, const float* slopes,
                       float* d_states, float* d_start);

// From what rate_rnn_backward left: d_weight [units, units] is written.
void rate_rnn_weight_gradient(const RateRnnShape& shape, const RateRnnInput& input,
                              const float* states, const float* d_u, float* d_weight);

// The same for the bias, d_bias [units].
void rate_rnn_bias_gradient(const RateRnnShape& shape, const float* d_u, float* d_bias);

}  // namespace tenfold::kernels
