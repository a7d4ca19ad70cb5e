#include "tools/poyo-decode/decoder_program.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>

#include "tools/poyo-decode/objective.h"

namespace tenfold::poyo_decode {
namespace {

constexpr int64_t kStepsAtOnce = 16;

}  // namespace

std::vector<Intervals> training_intervals(const Dataset& dataset, Sampling sampling) {
  std::vector<Intervals> all;
  for (const Session& s : dataset.parts) {
    all.push_back(sampling == Sampling::kTrials ? training_trials(s.recording)
                                                : s.recording.train_domain);
  }
  return all;
}

DecoderProgram::DecoderProgram(const Dataset& dataset, const DecoderOptions& options,
                               const std::vector<int64_t>& seeds)
    : dataset_(dataset), options_(options) {
  for (int64_t seed : seeds) {
    DecoderMember& m = members_.emplace_back();
    m.seed = uint64_t(seed);
    m.model = std::make_unique<Model>(options.model, dataset.units.size(), dataset.sessions.size(),
                                      m.seed);
    m.optimizer = std::make_unique<SparseLamb>(m.model->parameters(), options.lamb);
    m.sampler = std::make_unique<WindowSampler>(training_intervals(dataset, options.sampling),
                                                options.model.window, options.sampling,
                                                options.batch_size, m.seed);
    BatchOptions batching;
    batching.window = options.model.window;
    batching.query_stride = options.query_stride;
    batching.unit_dropout = options.unit_dropout;
    batching.seed = m.seed;
    m.builder = std::make_unique<BatchBuilder>(dataset, batching);
  }
}

void DecoderProgram::step_member(DecoderMember& m, int64_t step) {
  const std::vector<Window> windows = m.sampler->batch(step);
  const TokenBatch batch = m.builder->build(windows, uint64_t(step * options_.batch_size));
  m.tokens += batch.tokens();
  // Without a weight there is nothing to learn from; the reference would give NaN.
  if (batch.queries() == 0 || batch.weight.sum().item<float>() == 0) {
    ++m.skipped_steps;
    return;
  }
  const train::Parameters& p = m.model->parameters();
  p.gradient().zero_();
  const at::Tensor loss =
      weighted_loss(m.model->forward(batch, DropoutSource{m.seed, uint64_t(step)}), batch);
  torch::autograd::backward({loss}, {});
  const double rate = options_.max_lr * rate_factor(options_.schedule, step);
  m.optimizer->step({rate, rate * options_.embedding_lr_mult, beta1_at(options_.schedule, step)});
  const double value = loss.item<double>();
  m.loss_sum += value;
  ++m.loss_count;
  m.new_losses.emplace_back(step + 1, value);
}

void DecoderProgram::steps(int64_t first, int64_t count) {
  const auto run = [&](DecoderMember& m) {
    for (int64_t s = first; s < first + count; ++s) step_member(m, s);
  };
  if (members_.size() == 1) return run(members_[0]);
  at::parallel_for(0, int64_t(members_.size()), 1, [&](int64_t from, int64_t end) {
    for (int64_t i = from; i < end; ++i) run(members_[size_t(i)]);
  });
}

int64_t DecoderProgram::most_steps_at_once() const {
  return members_.size() == 1 ? 1 : kStepsAtOnce;
}

std::vector<std::pair<int64_t, double>> DecoderProgram::drain_losses() {
  std::vector<std::pair<int64_t, double>> all;
  for (DecoderMember& m : members_) {
    all.insert(all.end(), m.new_losses.begin(), m.new_losses.end());
    m.new_losses.clear();
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return all;
}

std::vector<SessionScore> DecoderProgram::scores(const DecoderMember& m, bool test) const {
  std::vector<Intervals> where;
  for (const Session& s : dataset_.parts)
    where.push_back(test ? s.recording.test_domain : s.recording.valid_domain);
  EvaluationOptions options;
  options.query_stride = options_.eval_query_stride;
  return poyo_decode::evaluate(*m.model, dataset_, where, options);
}

train::Program::Row DecoderProgram::evaluate(int64_t done) {
  Row row;
  for (DecoderMember& m : members_) {
    CurvePoint point;
    point.step = double(done);
    point.epoch = double(done) / double(m.sampler->steps_per_epoch());
    point.lr = options_.max_lr * rate_factor(options_.schedule, std::max<int64_t>(0, done - 1));
    point.train_loss = m.loss_count > 0 ? m.loss_sum / double(m.loss_count) : std::nan("");
    point.val_r2 = std::nan("");
    if (options_.evaluate_validation)
      point.val_r2 = mean_r2(scores(m, false)).value_or(std::nan(""));
    m.loss_sum = 0;
    m.loss_count = 0;
    m.curve.push_back(point);
    const std::string end = members_.size() == 1 ? "" : fmt::format("/{}", m.seed);
    row.emplace_back("train/loss" + end, point.train_loss);
    row.emplace_back("train/lr" + end, point.lr);
    row.emplace_back("train/lr_embedding" + end, point.lr * options_.embedding_lr_mult);
    row.emplace_back("train/beta1" + end,
                     beta1_at(options_.schedule, std::max<int64_t>(0, done - 1)));
    row.emplace_back("train/tokens" + end, double(m.tokens));
    if (options_.evaluate_validation) row.emplace_back("val/r2" + end, point.val_r2);
  }
  return row;
}

void DecoderProgram::visit_state(train::Archive& archive) {
  archive.number("schedule_steps", options_.schedule.steps);
  for (DecoderMember& m : members_) {
    const std::string prefix = fmt::format("{}/", m.seed);
    m.model->parameters().visit(archive, prefix);
    archive.weight(prefix + "rotary_emb.omega", m.model->frequencies());
    m.optimizer->visit_state(archive, prefix);
    archive.number(prefix + "loss_sum", m.loss_sum);
    archive.number(prefix + "loss_count", m.loss_count);
    archive.number(prefix + "tokens", m.tokens);
    archive.number(prefix + "skipped_steps", m.skipped_steps);
    train::visit_records(archive, prefix + "curve", m.curve,
                         {&CurvePoint::step, &CurvePoint::epoch, &CurvePoint::lr,
                          &CurvePoint::train_loss, &CurvePoint::val_r2},
                         {});
  }
}

double DecoderProgram::score() const {
  double sum = 0;
  for (const DecoderMember& m : members_)
    sum += m.curve.empty() ? std::nan("") : m.curve.back().val_r2;
  return sum;
}

std::string DecoderProgram::note() const {
  std::string text = "R2";
  for (const DecoderMember& m : members_)
    text += m.curve.empty() ? " -" : fmt::format(" {:.3f}", m.curve.back().val_r2);
  return text;
}

}  // namespace tenfold::poyo_decode
