#include "tools/prequential-icl/learner_program.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "tools/prequential-icl/hmm_reference.h"
#include "tools/prequential-icl/predictor.h"

namespace tenfold::prequential_icl {
namespace {

constexpr int64_t kCurveTasks = 256;  // validation tasks of a row of the training curve

// Streams of one step's draws lie 2^32 apart, so that no two tasks share a permutation.
uint64_t draw_of(int64_t step) { return uint64_t(step) << 32; }

void check_data(const TaskConfig& task, const LearnerOptions& options, const MetaDataset& data) {
  if (data.train.points() <= options.min_train_samples ||
      data.val.points() <= options.min_train_samples) {
    throw UsageError(
        fmt::format("--min-train-samples: found {}, expected less than the {} points of a task",
                    options.min_train_samples, data.train.points()));
  }
  const int64_t points = data.train.points();
  if (options.loss_from >= points || options.longest > points) {
    throw UsageError(
        fmt::format("--loss-from {}, --context-length up to {}: the tasks have {} points",
                    options.loss_from, options.longest, points));
  }
  const DataKind kind = data.shape.kind;
  if (!task.data.empty() && (kind == DataKind::kTokens) != (task.task == "hmm")) {
    throw Mismatch(
        fmt::format("{}: holds {} (task {}), expected --task hmm for tokens and only for them",
                    task.data, kind_name(kind), data.task));
  }
  if (!task.data.empty() && kind == DataKind::kRegression && task.task == "mastermind") {
    throw Mismatch(fmt::format("{}: holds {} (task {}), expected labels with --task mastermind",
                               task.data, kind_name(kind), data.task));
  }
}

}  // namespace

ModelSpec fitted_spec(ModelSpec spec, const DataShape& shape) {
  spec.x_dim = shape.x_dim();
  spec.y_dim = shape.y_dim();
  spec.query_dim = query_dim(spec, shape);
  if (spec.z_dim == 0) spec.z_dim = required_z_dim(spec);
  return spec;
}

LearnerProgram::LearnerProgram(const TaskConfig& task, const LearnerOptions& options,
                               const std::vector<int64_t>& seeds, at::Device device)
    : options_(options) {
  for (int64_t seed : seeds) {
    LearnerMember& m = members_.emplace_back();
    m.seed = uint64_t(seed);
    m.source = load_run_data(task, m.seed);
    check_data(task, options, m.source.data);
  }
  // References into the members, which stay where they are from here on.
  for (LearnerMember& m : members_) {
    const MetaDataset& data = m.source.data;
    m.learner = std::make_unique<Learner>(fitted_spec(options.model, data.shape), m.seed, device);
    train::OptimizerOptions adam;
    adam.lr = options.lr;
    m.optimizer = std::make_unique<train::FlatOptimizer>(
        adam, m.learner->parameters().values().numel(), device);
    m.order = std::make_unique<data::BatchOrder>(data.train.tasks(), options.batch_size, m.seed);
    m.training = std::make_unique<Batcher>(data.shape, data.train, m.seed, "points/train", device);
    m.validation = std::make_unique<Batcher>(data.shape, data.val, m.seed, "points/val", device);
    if (m.source.hmm && options.oracle_sequences > 0)
      m.oracle_log_p = oracle_log_probabilities(*m.source.hmm, data.val, options.oracle_sequences);
  }
}

Contexts LearnerProgram::contexts() const {
  return contexts_of(members_[0].learner->spec(), shape().kind, options_.min_train_samples,
                     members_[0].source.data.val.points());
}

int64_t LearnerProgram::tokens_per_epoch() const {
  int64_t sum = 0;
  for (const LearnerMember& m : members_)
    sum += m.source.data.train.tasks() * m.source.data.train.points();
  return sum;
}

at::Tensor LearnerProgram::length_mask(const LearnerMember& m, const Batch& batch,
                                       const Contexts& contexts, int64_t step) const {
  const Stream stream(m.seed, "lengths", draw_of(step));
  at::Tensor lengths = at::empty({batch.tasks(), 1}, at::TensorOptions().dtype(at::kLong));
  const uint64_t choices = uint64_t(options_.longest - options_.shortest + 1);
  for (int64_t i = 0; i < batch.tasks(); ++i)
    lengths.data_ptr<int64_t>()[i] =
        options_.shortest + int64_t(stream.below(uint64_t(i), choices));
  const at::Tensor c = at::arange(contexts.first, contexts.last + 1, lengths.options());
  return (c.unsqueeze(0) < lengths).to(batch.points.options());
}

at::Tensor LearnerProgram::loss_of(const LearnerMember& m, const Batch& batch, int64_t step) const {
  Contexts contexts =
      contexts_of(m.learner->spec(), shape().kind, options_.min_train_samples, batch.size());
  contexts.first = std::max(contexts.first, options_.loss_from);
  std::vector<int64_t> seen;
  if (options_.train_risk) seen = draw_seen_points(contexts, Stream(m.seed, "seen", draw_of(step)));
  const ContextLosses losses =
      context_losses(*m.learner, shape(), batch, contexts,
                     {!options_.train_risk, options_.train_risk, false}, seen);
  const at::Tensor& by_context = options_.train_risk ? losses.train : losses.next;
  if (options_.longest == 0) return by_context.mean();
  const at::Tensor mask = length_mask(m, batch, contexts, step);
  return (by_context * mask).sum() / mask.sum().clamp_min(1);
}

void LearnerProgram::step_member(LearnerMember& m, int64_t step) {
  const data::BatchOrder::Batch tasks = m.order->at(step);
  const Batch batch = m.training->gather(tasks.indices, tasks.size, draw_of(step), false);
  const train::Parameters& p = m.learner->parameters();
  p.gradient().zero_();
  const at::Tensor loss = loss_of(m, batch, step);
  torch::autograd::backward({loss}, {});
  m.optimizer->step(p.values(), p.gradient());
  m.pending.emplace_back(step + 1, loss.detach());
}

void LearnerMember::settle() {
  for (const auto& [step, loss] : pending) {
    last_loss = loss.item<double>();
    new_losses.emplace_back(step, last_loss);
  }
  pending.clear();
}

void LearnerProgram::steps(int64_t first, int64_t count) {
  const auto run = [&](LearnerMember& m) {
    for (int64_t s = first; s < first + count; ++s) step_member(m, s);
  };
  if (members_.size() == 1) {
    run(members_[0]);
    return;
  }
  at::parallel_for(0, int64_t(members_.size()), 1, [&](int64_t from, int64_t end) {
    for (int64_t i = from; i < end; ++i) run(members_[size_t(i)]);
  });
}

int64_t LearnerProgram::most_steps_at_once() const { return members_.size() == 1 ? 1 : 16; }

std::vector<std::pair<int64_t, double>> LearnerProgram::drain_losses() {
  std::vector<std::pair<int64_t, double>> all;
  for (LearnerMember& m : members_) {
    m.settle();
    all.insert(all.end(), m.new_losses.begin(), m.new_losses.end());
    m.new_losses.clear();
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return all;
}

EvaluationOptions LearnerProgram::evaluation_options(const LearnerMember& m) const {
  EvaluationOptions options;
  options.degree = options_.degree;
  options.oracle_log_p = m.oracle_log_p;
  return options;
}

Evaluation LearnerProgram::evaluation(const LearnerMember& m, int64_t max_tasks) const {
  EvaluationOptions options = evaluation_options(m);
  options.max_tasks = max_tasks;
  return evaluate_learner(*m.learner, shape(), *m.validation, m.source.data.val, contexts(), m.seed,
                          options);
}

train::Program::Row LearnerProgram::evaluate(int64_t done) {
  Row row;
  for (LearnerMember& m : members_) {
    m.settle();
    const Evaluation e = evaluation(m, kCurveTasks);
    const TrainingPoint point = {double(done) / double(steps_per_epoch()),
                                 e.mean_of(e.train),
                                 e.mean_of(e.next),
                                 e.mean_of(e.ood),
                                 e.mean_of(e.kl_to_oracle),
                                 e.mean_of(e.kl_from_oracle)};
    m.curve.push_back(point);
    const std::string end = members_.size() == 1 ? "" : fmt::format("/{}", m.seed);
    row.emplace_back("train/loss" + end, m.last_loss);
    row.emplace_back("val/loss_nexttoken" + end, point.loss_next);
    if (!e.train.empty()) row.emplace_back("val/loss_train" + end, point.loss_train);
    if (!e.ood.empty()) row.emplace_back("val/loss_ood" + end, point.loss_ood);
    if (!e.kl_to_oracle.empty()) row.emplace_back("val/kl_to_oracle" + end, point.kl_to_oracle);
  }
  return row;
}

void LearnerProgram::visit_state(train::Archive& archive) {
  for (LearnerMember& m : members_) {
    m.settle();
    const std::string prefix = fmt::format("{}/", m.seed);
    m.learner->parameters().visit(archive, prefix);
    m.optimizer->visit_state(archive, prefix);
    archive.number(prefix + "last_loss", m.last_loss);
    train::visit_records(
        archive, prefix + "curve", m.curve,
        {&TrainingPoint::epoch, &TrainingPoint::loss_train, &TrainingPoint::loss_next,
         &TrainingPoint::loss_ood, &TrainingPoint::kl_to_oracle, &TrainingPoint::kl_from_oracle},
        {});
  }
}

double LearnerProgram::score() const {
  double sum = 0;
  for (const LearnerMember& m : members_)
    sum -= m.curve.empty() ? std::nan("") : m.curve.back().loss_next;
  return sum;
}

std::string LearnerProgram::note() const {
  std::string text = "loss";
  for (const LearnerMember& m : members_) text += fmt::format(" {:.4f}", m.last_loss);
  return text;
}

}  // namespace tenfold::prequential_icl
