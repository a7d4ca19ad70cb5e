#include "tools/bias-learning/rnn_program.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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
  Trials first;
  task_->trials(models_[0].network.seed, 0, first);
  const int64_t threads = at::get_num_threads();
  if (int64_t(models_.size()) < threads && first.batch > 1)
    workspaces_.emplace_back(std::min(threads, first.batch));
  else
    workspaces_.assign(size_t(threads), Workspace(1));
}

double RnnProgram::gradient(const RnnModel& m, int64_t iteration, Workspace& w) const {
  task_->trials(m.network.seed, iteration, w.trials);
  if (w.parts.size() > 1) return split_gradient(m.network, w);
  NetworkBuffers& buffers = w.parts[0].buffers;
  run_network(m.network, w.trials, buffers);
  buffers.d_y.resize(buffers.y.size());
  const double loss = task_->loss(w.trials, buffers.y.data(), buffers.d_y.data());
  network_gradient(m.network, w.trials, buffers, options_.full, options_.train_start);
  return loss;
}

double RnnProgram::split_gradient(const RateNetwork& net, Workspace& w) const {
  const int64_t count = int64_t(w.parts.size()), batch = w.trials.batch, steps = w.trials.steps,
                outputs = net.shape.outputs;
  w.y.resize(size_t(steps * batch * outputs));
  w.d_y.resize(w.y.size());
  // Body: of a part, the numbers of each step among all trials and among its own.
  const auto for_steps = [&](const Workspace::Part& part, const auto& body) {
    const int64_t wide = part.trials.batch * outputs;
    for (int64_t t = 0; t < steps; ++t) body((t * batch + part.first) * outputs, t * wide, wide);
  };
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      Workspace::Part& part = w.parts[size_t(k)];
      part.first = k * batch / count;
      take_trials(w.trials, net.shape.inputs, part.first, (k + 1) * batch / count - part.first,
                  part.trials);
      run_network(net, part.trials, part.buffers);
      const float* y = part.buffers.y.data();
      for_steps(part, [&](int64_t in_all, int64_t own, int64_t wide) {
        std::copy_n(y + own, wide, w.y.data() + in_all);
      });
    }
  });
  const double loss = task_->loss(w.trials, w.y.data(), w.d_y.data());
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      Workspace::Part& part = w.parts[size_t(k)];
      part.buffers.d_y.resize(part.buffers.y.size());
      float* d_y = part.buffers.d_y.data();
      for_steps(part, [&](int64_t in_all, int64_t own, int64_t wide) {
        std::copy_n(w.d_y.data() + in_all, wide, d_y + own);
      });
      network_gradient(net, part.trials, part.buffers, options_.full, options_.train_start);
    }
  });
  float* sum = w.parts[0].buffers.gradient.data();
  for (int64_t k = 1; k < count; ++k)
    for (int64_t i = trained_at_; i < trained_end_; ++i)
      sum[i] += w.parts[size_t(k)].buffers.gradient[size_t(i)];
  return loss;
}

void RnnProgram::iterate(RnnModel& m, int64_t iteration, Workspace& w) const {
  if (m.diverged) return;
  m.loss = gradient(m, iteration, w);
  float* d = w.parts[0].buffers.gradient.data() + trained_at_;
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
  const auto train = [&](int64_t begin, int64_t end, Workspace& mine) {
    for (int64_t k = begin; k < end; ++k)
      for (int64_t s = first; s < first + count; ++s) iterate(models_[size_t(k)], s, mine);
  };
  const auto models = int64_t(models_.size());
  if (workspaces_.size() == 1)
    train(0, models, workspaces_[0]);
  else
    at::parallel_for(0, models, 1, [&](int64_t begin, int64_t end) {
      train(begin, end, workspaces_[size_t(at::get_thread_num())]);
    });
  seconds_trained_ += monotonic_seconds() - began;
  double sum = 0;
  for (const RnnModel& m : models_)
    if (!m.diverged) sum += m.loss;
  // A network that diverged is reported, not the end of the others.
  for (const RnnModel& m : models_)
    if (m.diverged && m.diverged_at >= first && !all_diverged())
      log::warning(fmt::format("seed {}, gain {:g}: not finite at iteration {}; frozen there",
                               m.network.seed, m.network.gain, m.diverged_at));
  losses_.emplace_back(first + count - 1, sum);
}

bool RnnProgram::all_diverged() const {
  return std::all_of(models_.begin(), models_.end(), [](const RnnModel& m) { return m.diverged; });
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
  if (models_.size() == 1) return fmt::format("loss {:.4f}", least->loss);
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
