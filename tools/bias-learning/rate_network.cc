#include "tools/bias-learning/rate_network.h"

#include <algorithm>
#include <cmath>

#include "common/core/philox.h"

namespace tenfold::bias_learning {
namespace {

using kernels::RateRnnInput;
using kernels::RateRnnShape;

float dot(const float* a, const float* b, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(float* to, float by, const float* what, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] += by * what[i];
}

RateRnnShape kernel_shape(const NetworkShape& s, const Trials& t) {
  return {t.steps, t.batch, s.hidden, float(-s.alpha), float(s.beta), 0, 1, s.activation};
}

RateRnnInput kernel_input(const RateNetwork& net, const Trials& t, const NetworkBuffers& buffers) {
  const bool shown = net.shape.inputs > 0;
  return {net.weight(), net.bias(), buffers.start.data(), shown ? buffers.drive.data() : nullptr,
          shown && !t.constant_input ? t.batch * net.shape.hidden : 0};
}

// B x of every trial, and of every step unless the input is constant.
void fill_drive(const RateNetwork& net, const Trials& t, std::vector<float>& drive) {
  const int64_t n = net.shape.hidden, inputs = net.shape.inputs;
  const int64_t rows = inputs == 0 ? 0 : t.constant_input ? t.batch : t.steps * t.batch;
  drive.resize(size_t(rows * n));
  const float* weights = net.input();
  for (int64_t r = 0; r < rows; ++r) {
    float* out = drive.data() + r * n;
    const float* x = t.x.data() + r * inputs;
    for (int64_t i = 0; i < n; ++i) {
      float sum = 0;
      for (int64_t k = 0; k < inputs; ++k) sum += weights[i * inputs + k] * x[k];
      out[i] = sum;
    }
  }
}

void input_gradient(const RateNetwork& net, const Trials& t, const NetworkBuffers& buffers,
                    float* out) {
  const int64_t n = net.shape.hidden, inputs = net.shape.inputs;
  std::fill_n(out, n * inputs, 0.0f);
  for (int64_t row = 0; row < t.steps * t.batch; ++row) {
    const float* x = t.x.data() + (t.constant_input ? row % t.batch : row) * inputs;
    const float* d_u = buffers.d_states.data() + row * n;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t k = 0; k < inputs; ++k) out[i * inputs + k] += d_u[i] * x[k];
  }
}

}  // namespace

kernels::RateActivation activation_named(const std::string& name) {
  return name == "tanh"      ? kernels::RateActivation::kTanh
         : name == "sigmoid" ? kernels::RateActivation::kSigmoid
                             : kernels::RateActivation::kRelu;
}

RateNetwork RateNetwork::without_biases() const {
  RateNetwork out = *this;
  std::fill_n(out.values.begin() + bias_at(), shape.hidden, 0.0f);
  return out;
}

RateNetwork draw_network(const NetworkShape& shape, const NetworkDraw& draw, uint64_t seed,
                         double gain) {
  RateNetwork net{shape, seed, gain, {}};
  const int64_t n = shape.hidden;
  net.values.assign(size_t(net.start_at() + n), 0.0f);
  float* values = net.values.data();
  const auto fill = [&](const char* name, float* to, int64_t count, int64_t fan_in) {
    if (draw.uniform)
      Stream(seed, name).fill_uniform(to, count, -draw.range, draw.range);
    else
      Stream(seed, name).fill_normal(to, count, 0, 1 / std::sqrt(double(fan_in)));
  };
  Stream(seed, "W").fill_normal(values, n * n, 0, 1);
  for (int64_t i = 0; i < n * n; ++i) values[i] *= float(gain / std::sqrt(double(n)));
  fill("B", values + net.input_at(), n * shape.inputs, std::max<int64_t>(shape.inputs, 1));
  fill("C", values + net.readout_at(), shape.outputs * n, n);
  Stream(seed, "r0").fill_uniform(values + net.start_at(), n, 0, draw.start);
  return net;
}

void take_trials(const Trials& all, int64_t inputs, int64_t first, int64_t count, Trials& out) {
  out.steps = all.steps;
  out.batch = count;
  out.constant_input = all.constant_input;
  const int64_t rows = all.x.empty() ? 0 : all.constant_input ? 1 : all.steps;
  out.x.resize(size_t(rows * count * inputs));
  for (int64_t t = 0; t < rows; ++t)
    std::copy_n(all.x.begin() + (t * all.batch + first) * inputs, count * inputs,
                out.x.begin() + t * count * inputs);
}

void run_network(const RateNetwork& net, const Trials& t, NetworkBuffers& buffers,
                 const float* from) {
  const int64_t n = net.shape.hidden, outputs = net.shape.outputs, rows = t.steps * t.batch;
  fill_drive(net, t, buffers.drive);
  buffers.start.resize(size_t(t.batch * n));
  for (int64_t b = 0; b < t.batch; ++b)
    std::copy_n(from == nullptr ? net.start() : from + b * n, n, buffers.start.data() + b * n);
  buffers.states.resize(size_t(rows * n));
  buffers.slopes.resize(size_t(rows * n));
  kernels::rate_rnn(kernel_shape(net.shape, t), kernel_input(net, t, buffers),
                    buffers.states.data(), buffers.slopes.data());
  buffers.y.resize(size_t(rows * outputs));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t o = 0; o < outputs; ++o)
      buffers.y[size_t(row * outputs + o)] =
          dot(net.readout() + o * n, buffers.states.data() + row * n, n);
}

void network_gradient(const RateNetwork& net, const Trials& t, NetworkBuffers& buffers, bool full,
                      bool start) {
  const int64_t n = net.shape.hidden, outputs = net.shape.outputs, rows = t.steps * t.batch;
  buffers.gradient.resize(net.values.size());
  float* out = buffers.gradient.data();
  if (full) {
    std::fill_n(out + net.readout_at(), outputs * n, 0.0f);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t o = 0; o < outputs; ++o)
        add_scaled(out + net.readout_at() + o * n, buffers.d_y[size_t(row * outputs + o)],
                   buffers.states.data() + row * n, n);
  }
  buffers.d_states.assign(size_t(rows * n), 0.0f);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t o = 0; o < outputs; ++o)
      add_scaled(buffers.d_states.data() + row * n, buffers.d_y[size_t(row * outputs + o)],
                 net.readout() + o * n, n);
  buffers.d_start.resize(start ? size_t(t.batch * n) : 0);
  const RateRnnShape shape = kernel_shape(net.shape, t);
  const RateRnnInput input = kernel_input(net, t, buffers);
  kernels::rate_rnn_backward(shape, input, buffers.slopes.data(), buffers.d_states.data(),
                             start ? buffers.d_start.data() : nullptr);
  kernels::rate_rnn_bias_gradient(shape, buffers.d_states.data(), out + net.bias_at());
  if (start) {
    std::fill_n(out + net.start_at(), n, 0.0f);
    for (int64_t b = 0; b < t.batch; ++b)
      add_scaled(out + net.start_at(), 1, buffers.d_start.data() + b * n, n);
  }
  if (!full) return;
  kernels::rate_rnn_weight_gradient(shape, input, buffers.states.data(), buffers.d_states.data(),
                                    out);
  input_gradient(net, t, buffers, out + net.input_at());
}

}  // namespace tenfold::bias_learning
