#include "tools/bias-learning/rnn_program.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/core/clock.h"
#include "common/log/logger.h"

namespace tenfold::bias_learning {
namespace {

at::Tensor flat(float* values, int64_t count) { return at::from_blob(values, {count}, at::kFloat); }

at::Tensor flat(std::vector<float>& v) { return flat(v.data(), int64_t(v.size())); }

}  // namespace

RnnProgram::RnnProgram(const RnnOptions& options, std::shared_ptr<const RnnTask> task)
    : options_(options), task_(std::move(task)) {
  options_.shape.inputs = task_->inputs();
  options_.shape.outputs = task_->outputs();
  if (task_->starts_at_zero()) options_.draw.start = 0;
  for (const uint64_t seed : options_.seeds) {
    for (const double gain : options_.gains) {
      RnnModel& m = models_.emplace_back();
      m.network = draw_network(options_.shape, options_.draw, seed, gain);
      trained_at_ = options_.full ? 0 : m.network.bias_at();
      trained_end_ = options_.train_start ? int64_t(m.network.values.size()) : m.network.start_at();
      m.adam.resize(size_t(trained_parameters()));
    }
  }
  workspaces_.resize(size_t(at::get_num_threads()));
}

double RnnProgram::gradient(const RnnModel& m, int64_t iteration, Workspace& w) const {
  task_->trials(m.network.seed, iteration, w.trials);
  run_network(m.network, w.trials, w.buffers);
  w.buffers.d_y.resize(w.buffers.y.size());
  const double loss = task_->loss(w.trials, w.buffers.y.data(), w.buffers.d_y.data());
  network_gradient(m.network, w.trials, w.buffers, options_.full, options_.train_start);
  return loss;
}

void RnnProgram::iterate(RnnModel& m, int64_t iteration, Workspace& w) const {
  if (m.diverged) return;
  m.loss = gradient(m, iteration, w);
  float* d = w.buffers.gradient.data() + trained_at_;
  double squares = 0;
  for (int64_t i = 0; i < trained_parameters(); ++i) squares += double(d[i]) * d[i];
  if (!std::isfinite(m.loss) || !std::isfinite(squares)) {
    m.diverged = true;
    m.diverged_at = iteration;
    return;
  }
  if (iteration % kCurveEvery == 0) m.curve.push_back(m.loss);
  const double norm = std::sqrt(squares);
  if (norm > options_.clip)
    for (int64_t i = 0; i < trained_parameters(); ++i) d[i] *= float(options_.clip / norm);
  const double left =
      options_.iterations == 0 ? 1 : 1 - double(iteration) / double(options_.iterations);
  m.adam.step(m.network.values.data() + trained_at_, d, options_.rate * left);
}

void RnnProgram::step(int64_t step) { steps(step, 1); }

void RnnProgram::steps(int64_t first, int64_t count) {
  const double began = monotonic_seconds();
  at::parallel_for(0, int64_t(models_.size()), 1, [&](int64_t begin, int64_t end) {
    Workspace& mine = workspaces_[size_t(at::get_thread_num())];
    for (int64_t k = begin; k < end; ++k)
      for (int64_t s = first; s < first + count; ++s) iterate(models_[size_t(k)], s, mine);
  });
  seconds_trained_ += monotonic_seconds() - began;
  // A network that diverged is reported, not the end of the others.
  double sum = 0;
  int64_t going_on = 0;
  for (const RnnModel& m : models_) {
    if (m.diverged && m.diverged_at >= first)
      log::warning(fmt::format("seed {}, gain {:g}: not finite at iteration {}; frozen there",
                               m.network.seed, m.network.gain, m.diverged_at));
    if (m.diverged) continue;
    sum += m.loss;
    ++going_on;
  }
  losses_.emplace_back(first + count - 1,
                       going_on == 0 ? std::numeric_limits<double>::quiet_NaN() : sum);
}

std::vector<std::pair<int64_t, double>> RnnProgram::drain_losses() {
  return std::exchange(losses_, {});
}

train::Program::Row RnnProgram::evaluate(int64_t) {
  Row row;
  for (const RnnModel& m : models_)
    if (!m.diverged)
      row.emplace_back(fmt::format("loss/{:g}/{}", m.network.gain, m.network.seed), m.loss);
  return row;
}

std::string RnnProgram::note() const {
  const auto [least, most] =
      std::minmax_element(models_.begin(), models_.end(),
                          [](const RnnModel& a, const RnnModel& b) { return a.loss < b.loss; });
  return fmt::format("loss {:.4f} to {:.4f}", least->loss, most->loss);
}

void RnnProgram::visit_state(train::Archive& archive) {
  for (RnnModel& m : models_) {
    const std::string name = fmt::format("{:g}/{}/", m.network.gain, m.network.seed);
    archive.weight(name + "trained",
                   flat(m.network.values.data() + trained_at_, trained_parameters()));
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
