#include "tools/bias-learning/rnn_program.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/core/clock.h"
#include "common/core/philox.h"
#include "common/kernels/rate_rnn.h"
#include "common/log/logger.h"

namespace tenfold::bias_learning {
namespace {

using kernels::RateRnnInput;
using kernels::RateRnnShape;

RateRnnShape shape_of(const RnnOptions& o) {
  return {int64_t(o.target.size()),      1, o.hidden, float(-o.alpha), float(o.beta), 0, 1,
          kernels::RateActivation::kRelu};
}

std::vector<float> normal(uint64_t seed, const char* name, int64_t count, double deviation) {
  std::vector<float> v(static_cast<size_t>(count));
  Stream(seed, name).fill_normal(v.data(), count, 0, deviation);
  return v;
}

at::Tensor flat(std::vector<float>& v) {
  return at::from_blob(v.data(), {int64_t(v.size())}, at::kFloat);
}

}  // namespace

RnnProgram::RnnProgram(const RnnOptions& options) : options_(options) {
  const int64_t n = options.hidden;
  for (const uint64_t seed : options.seeds) {
    for (const double gain : options.gains) {
      RnnModel& m = models_.emplace_back();
      m.seed = seed;
      m.gain = gain;
      m.weight = normal(seed, "W", n * n, 1);
      for (float& w : m.weight) w *= float(gain / std::sqrt(double(n)));
      m.readout = normal(seed, "C", n, 1 / std::sqrt(double(n)));
      m.bias.assign(size_t(n), 0.0f);
      m.start.resize(size_t(n));
      Stream(seed, "r0").fill_uniform(m.start.data(), n, 0, 0.1);
      m.adam.resize(size_t(options.full ? n * n + 2 * n : n));
    }
  }
}

RnnProgram::Run RnnProgram::run(const RnnModel& m, const float* bias) const {
  const RateRnnShape shape = shape_of(options_);
  const int64_t n = options_.hidden;
  std::vector<float> states(size_t(shape.steps * n));
  kernels::rate_rnn(
      shape, {m.weight.data(), bias != nullptr ? bias : m.bias.data(), m.start.data(), nullptr, 0},
      states.data(), nullptr);
  Run out;
  for (int64_t t = 0; t < shape.steps; ++t) {
    double y = 0;
    for (int64_t i = 0; i < n; ++i) y += double(m.readout[size_t(i)]) * states[size_t(t * n + i)];
    out.output.push_back(y);
    const double error = y - options_.target[size_t(t)];
    out.mse += error * error / double(shape.steps);
  }
  out.last.assign(states.end() - n, states.end());
  return out;
}

double RnnProgram::gradient(const RnnModel& m, std::vector<float>& out) const {
  const RateRnnShape shape = shape_of(options_);
  const int64_t n = options_.hidden;
  const RateRnnInput input = {m.weight.data(), m.bias.data(), m.start.data(), nullptr, 0};
  std::vector<float> states(size_t(shape.steps * n)), slopes(states.size()),
      d_states(states.size()), d_readout(size_t(n), 0.0f);
  kernels::rate_rnn(shape, input, states.data(), slopes.data());
  double loss = 0;
  for (int64_t t = 0; t < shape.steps; ++t) {
    const float* r = states.data() + t * n;
    float* d = d_states.data() + t * n;
    float y = 0;
    for (int64_t i = 0; i < n; ++i) y += m.readout[size_t(i)] * r[i];
    const double error = double(y) - options_.target[size_t(t)];
    loss += error * error / double(shape.steps);
    const auto by_y = float(2 * error / double(shape.steps));
    for (int64_t i = 0; i < n; ++i) {
      d[i] = by_y * m.readout[size_t(i)];
      d_readout[size_t(i)] += by_y * r[i];
    }
  }
  kernels::rate_rnn_backward(shape, input, slopes.data(), d_states.data(), nullptr);
  out.resize(m.adam.m.size());
  float* of_bias = out.data();
  if (options_.full) {
    kernels::rate_rnn_weight_gradient(shape, input, states.data(), d_states.data(), out.data());
    std::copy(d_readout.begin(), d_readout.end(), out.begin() + n * n);
    of_bias += n * n + n;
  }
  kernels::rate_rnn_bias_gradient(shape, d_states.data(), of_bias);
  return loss;
}

void RnnProgram::iterate(RnnModel& m, int64_t step) {
  if (m.diverged) return;
  std::vector<float> d;
  m.loss = gradient(m, d);
  double squares = 0;
  for (const float g : d) squares += double(g) * g;
  if (!std::isfinite(m.loss) || !std::isfinite(squares)) {
    m.diverged = true;
    m.diverged_at = step;
    return;
  }
  if (step % kCurveEvery == 0) m.curve.push_back(m.loss);
  const double norm = std::sqrt(squares);
  if (norm > options_.clip)
    for (float& g : d) g *= float(options_.clip / norm);
  if (!options_.full) {
    m.adam.step(m.bias.data(), d.data(), options_.rate);
    return;
  }
  std::vector<float> all = m.weight;
  all.insert(all.end(), m.readout.begin(), m.readout.end());
  all.insert(all.end(), m.bias.begin(), m.bias.end());
  m.adam.step(all.data(), d.data(), options_.rate);
  const auto readout = all.begin() + int64_t(m.weight.size()),
             bias = readout + int64_t(m.readout.size());
  m.weight.assign(all.begin(), readout);
  m.readout.assign(readout, bias);
  m.bias.assign(bias, all.end());
}

void RnnProgram::step(int64_t step) { steps(step, 1); }

void RnnProgram::steps(int64_t first, int64_t count) {
  const double began = monotonic_seconds();
  at::parallel_for(0, int64_t(models_.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k)
      for (int64_t s = first; s < first + count; ++s) iterate(models_[size_t(k)], s);
  });
  seconds_trained_ += monotonic_seconds() - began;
  // A network that diverged is reported, not the end of the others.
  double sum = 0;
  for (const RnnModel& m : models_) {
    if (m.diverged && m.diverged_at >= first)
      log::warning(fmt::format("seed {}, gain {:g}: not finite at iteration {}; frozen there",
                               m.seed, m.gain, m.diverged_at));
    if (!m.diverged) sum += m.loss;
  }
  losses_.emplace_back(first + count - 1, sum);
}

std::vector<std::pair<int64_t, double>> RnnProgram::drain_losses() {
  return std::exchange(losses_, {});
}

train::Program::Row RnnProgram::evaluate(int64_t) {
  Row row;
  for (const RnnModel& m : models_)
    if (!m.diverged) row.emplace_back(fmt::format("mse/{:g}/{}", m.gain, m.seed), m.loss);
  return row;
}

std::string RnnProgram::note() const {
  const auto [least, most] =
      std::minmax_element(models_.begin(), models_.end(),
                          [](const RnnModel& a, const RnnModel& b) { return a.loss < b.loss; });
  return fmt::format("mse {:.4f} to {:.4f}", least->loss, most->loss);
}

void RnnProgram::visit_state(train::Archive& archive) {
  for (RnnModel& m : models_) {
    const std::string name = fmt::format("{:g}/{}/", m.gain, m.seed);
    archive.weight(name + "b", flat(m.bias));
    if (options_.full) {
      archive.weight(name + "W", flat(m.weight));
      archive.weight(name + "C", flat(m.readout));
    }
    archive.tensor(name + "m", flat(m.adam.m));
    archive.tensor(name + "v", flat(m.adam.v));
    archive.number(name + "steps", m.adam.steps);
    archive.truth(name + "diverged", m.diverged);
    archive.number(name + "diverged_at", m.diverged_at);
    archive.number(name + "loss", m.loss);
    archive.numbers(name + "curve", m.curve);
  }
  archive.number("seconds_trained", seconds_trained_);
}

}  // namespace tenfold::bias_learning
