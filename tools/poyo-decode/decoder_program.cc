#include "tools/poyo-decode/decoder_program.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "common/log/logger.h"
#include "tools/poyo-decode/objective.h"

namespace tenfold::poyo_decode {
namespace {

constexpr int64_t kStepsAtOnce = 16;

void check_that_windows_fit(const Dataset& dataset, const std::vector<Intervals>& where,
                            double window) {
  for (size_t r = 0; r < where.size(); ++r) {
    const bool some = std::any_of(where[r].begin(), where[r].end(), [&](const Interval& i) {
      return i.length() >= window - kFitTolerance;
    });
    if (some) continue;
    throw DataError(
        fmt::format("{}: found no training interval that a window of {} s fits, expected one at "
                    "least: --window shortens it, --sessions leaves recordings out",
                    dataset.parts[r].recording.session, window));
  }
}

void warn_of_collapse(DecoderMember& m) {
  const std::vector<std::string> names = m.optimizer->collapsed();
  if (names.empty() || m.told_of_collapse) return;
  m.told_of_collapse = true;
  log::warning(
      fmt::format("the norm of {} matrices fell below a hundredth of its start, {} first; "
                  "a lower --max-lr or --weight-decay may help",
                  names.size(), names[0]));
}

}  // namespace

std::vector<Intervals> training_intervals(const Dataset& dataset, Sampling sampling,
                                          const Labels& labels, uint64_t seed) {
  std::vector<Intervals> all;
  for (const Session& s : dataset.parts) {
    const Recording& r = s.recording;
    const Intervals trials = labelled_trials(r, labels.trials, labels.order, seed);
    if (sampling == Sampling::kTrials) {
      all.push_back(trials);
    } else {
      all.push_back(labels.trials == kAllTrials ? r.train_domain
                                                : intersection(trials, r.train_domain));
    }
  }
  return all;
}

DecoderProgram::DecoderProgram(const Dataset& dataset, const DecoderOptions& options,
                               std::vector<MemberPlan> plans)
    : dataset_(dataset), options_(options) {
  for (MemberPlan& plan : plans) {
    DecoderMember& m = members_.emplace_back();
    static_cast<MemberPlan&>(m) = std::move(plan);
    if (options.group != nullptr) options.group->broadcast(m.model->parameters().values());
    m.optimizer = std::make_unique<SparseLamb>(m.model->parameters(), options.lamb);
    const std::vector<Intervals> where =
        training_intervals(dataset, options.sampling, m.labels, m.seed);
    check_that_windows_fit(dataset, where, options.model.window);
    m.sampler = std::make_unique<WindowSampler>(where, options.model.window, options.sampling,
                                                options.batch_size, m.seed);
    BatchOptions batching;
    batching.window = options.model.window;
    batching.query_stride = options.query_stride;
    batching.unit_dropout = options.unit_dropout;
    batching.time_scaling = options.time_scaling;
    batching.delimiters = options.model.delimiters;
    batching.seed = m.seed;
    m.builder = std::make_unique<BatchBuilder>(dataset, batching);
  }
}

std::vector<train::Share> DecoderProgram::parts_of_step(const train::Ranks& ranks) const {
  const train::Share own = train::share_of(options_.batch_size, ranks);
  const int64_t size = options_.micro_batch > 0 ? options_.micro_batch : own.end - own.begin;
  std::vector<train::Share> parts;
  for (int64_t begin = own.begin; begin < own.end; begin += size)
    parts.push_back({begin, std::min(begin + size, own.end)});
  return parts;
}

void DecoderProgram::step_member(DecoderMember& m, int64_t step) {
  const train::Ranks ranks = options_.group == nullptr ? train::Ranks() : options_.group->ranks();
  const std::vector<Window> windows = m.sampler->batch(step);
  const double weight = m.builder->weight_of(windows);
  // Without a weight there is nothing to learn from; the reference would give NaN.
  if (weight == 0) {
    ++m.skipped_steps;
    return;
  }
  const bool frozen = m.frozen_steps == kAlways || step < m.frozen_steps;
  m.model->set_core_learns(!frozen);
  const train::Parameters& p = m.model->parameters();
  p.gradient().zero_();
  at::Tensor loss = at::zeros({}, p.values().options());
  const std::vector<train::Share> parts = parts_of_step(ranks);
  for (size_t i = 0; i < parts.size(); ++i) {
    const TokenBatch batch =
        m.builder->build({windows.begin() + parts[i].begin, windows.begin() + parts[i].end},
                         uint64_t(step * options_.batch_size + parts[i].begin));
    m.new_tokens += batch.tokens();
    if (batch.queries() == 0) continue;
    const uint64_t draws =
        uint64_t(step * ranks.world + ranks.rank) * uint64_t(parts.size()) + uint64_t(i);
    const at::Tensor part =
        weighted_loss(m.model->forward(batch, DropoutSource{m.seed, draws}), batch, weight);
    torch::autograd::backward({part}, {});
    loss += part.detach();
  }
  if (options_.group != nullptr) options_.group->all_reduce_sum(p.gradient());
  const double rate = m.max_lr * rate_factor(options_.schedule, step);
  m.optimizer->step({rate, rate * m.embedding_lr_mult, beta1_at(options_.schedule, step), frozen});
  m.pending.emplace_back(step + 1, loss);
}

void DecoderProgram::steps(int64_t first, int64_t count) {
  const auto run = [&](DecoderMember& m) {
    for (int64_t s = first; s < first + count; ++s) step_member(m, s);
  };
  if (members_.size() == 1 || options_.device.is_cuda() || options_.group != nullptr) {
    for (DecoderMember& m : members_) run(m);
    return;
  }
  at::parallel_for(0, int64_t(members_.size()), 1, [&](int64_t from, int64_t end) {
    for (int64_t i = from; i < end; ++i) run(members_[size_t(i)]);
  });
}

int64_t DecoderProgram::steps_per_epoch() const {
  int64_t most = 0;
  for (const DecoderMember& m : members_) most = std::max(most, m.sampler->steps_per_epoch());
  return most;
}

int64_t DecoderProgram::most_steps_at_once() const {
  return members_.size() == 1 || options_.group != nullptr ? 1 : kStepsAtOnce;
}

std::vector<std::pair<int64_t, double>> DecoderProgram::drain_losses() {
  std::vector<std::pair<int64_t, double>> all;
  for (DecoderMember& m : members_) {
    // The losses of this process, and its tokens; then those of all.
    std::vector<double> sums;
    for (const auto& [step, loss] : m.pending) sums.push_back(loss.item<double>());
    sums.push_back(double(m.new_tokens));
    if (options_.group != nullptr) {
      options_.group->all_reduce_sum(
          at::from_blob(sums.data(), {int64_t(sums.size())}, at::TensorOptions(at::kDouble)));
    }
    for (size_t i = 0; i < m.pending.size(); ++i) {
      all.emplace_back(m.pending[i].first, sums[i]);
      m.loss_sum += sums[i];
      ++m.loss_count;
    }
    m.tokens += int64_t(sums.back());
    m.new_tokens = 0;
    m.pending.clear();
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
    point.lr = m.max_lr * rate_factor(options_.schedule, std::max<int64_t>(0, done - 1));
    point.train_loss = m.loss_count > 0 ? m.loss_sum / double(m.loss_count) : std::nan("");
    point.val_r2 = std::nan("");
    if (options_.evaluate_validation)
      point.val_r2 = mean_r2(scores(m, false)).value_or(std::nan(""));
    m.loss_sum = 0;
    m.loss_count = 0;
    m.curve.push_back(point);
    const std::string end = members_.size() == 1 ? "" : "/" + m.name;
    row.emplace_back("train/loss" + end, point.train_loss);
    row.emplace_back("train/lr" + end, point.lr);
    row.emplace_back("train/lr_embedding" + end, point.lr * m.embedding_lr_mult);
    row.emplace_back("train/beta1" + end,
                     beta1_at(options_.schedule, std::max<int64_t>(0, done - 1)));
    row.emplace_back("train/tokens" + end, double(m.tokens));
    if (options_.evaluate_validation) row.emplace_back("val/r2" + end, point.val_r2);
    for (const TensorState& t : m.optimizer->tensors()) {
      row.emplace_back("norm/" + t.name + end, t.norm);
      row.emplace_back("trust/" + t.name + end, t.trust);
    }
    warn_of_collapse(m);
  }
  return row;
}

void DecoderProgram::visit_state(train::Archive& archive) {
  archive.number("schedule_steps", options_.schedule.steps);
  for (DecoderMember& m : members_) {
    const std::string prefix = m.name + "/";
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
  std::string text = "validation R2";
  for (const DecoderMember& m : members_) {
    const bool known = !m.curve.empty() && std::isfinite(m.curve.back().val_r2);
    if (members_.size() > 1) text += fmt::format(" {}:", m.name);
    text += known ? fmt::format(" {:.3f}", m.curve.back().val_r2) : " -";
  }
  return text;
}

}  // namespace tenfold::poyo_decode
