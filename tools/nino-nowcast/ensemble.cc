#include "tools/nino-nowcast/ensemble.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/_log_softmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>

#include "common/core/clock.h"
#include "common/core/error.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr int64_t kMostStepsAtOnce = 1000;

// Mean loss and accuracy of logits in float64.
TargetNet::Score score_of(const at::Tensor& logits, const at::Tensor& y) {
  const at::Tensor log_p = at::_log_softmax(logits, 1, false);
  const double n = double(y.size(0));
  return {-log_p.gather(1, y.unsqueeze(1)).sum(at::kDouble).item<double>() / n,
          double(logits.argmax(1).eq(y).sum().item<int64_t>()) / n};
}

}  // namespace

int64_t NowcastTiming::k_at(int64_t step) const {
  if (constant_k) return *constant_k;
  const int64_t last = static_cast<int64_t>(horizons.size()) - 1;
  return horizons[size_t(std::min(last, step / period))];
}

Ensemble::Ensemble(const TargetNet& net, const ImageData& data, const std::vector<Slot>& slots,
                   EnsembleOptions options)
    : net_(net), data_(data), options_(std::move(options)) {
  const c10::InferenceMode guard;
  const int64_t p = net.num_params();
  for (const Slot& slot : slots) {
    Member m;
    m.nowcaster = slot.nowcaster;
    m.seed = slot.seed;
    m.predictor = slot.predictor;
    m.params = at::zeros({p});
    m.gradient = at::zeros({p});
    m.buffers = at::zeros({net.num_buffers()});
    net.initialise(m.params, m.buffers, uint64_t(slot.seed));
    if (slot.initial.defined()) m.params.copy_(slot.initial);
    m.optimizer = std::make_unique<train::FlatOptimizer>(options_.optimizer, p, at::kCPU);
    if (slot.predictor != nullptr) m.history = at::zeros({options_.timing.ctx, p});
    m.order = std::make_unique<data::BatchOrder>(data.train_x.size(0), options_.batch_size,
                                                 uint64_t(slot.seed));
    members_.push_back(std::move(m));
  }
}

// With fewer members than threads the operators themselves use the threads. Otherwise a thread
// takes the next member as soon as it is free.
template <class Body>
void Ensemble::for_each_active(const Body& body) {
  std::vector<Member*> active;
  for (Member& m : members_) {
    if (m.active) active.push_back(&m);
  }
  const auto count = static_cast<int64_t>(active.size());
  std::atomic<int64_t> next{0};
  const auto work = [&](int64_t, int64_t) {
    const c10::InferenceMode guard;
    for (int64_t i = next++; i < count; i = next++) body(*active[size_t(i)]);
  };
  const int64_t threads = at::get_num_threads();
  if (count < threads) {
    work(0, 1);
  } else {
    at::parallel_for(0, threads, 1, work);
  }
}

void Ensemble::load_batch(Member& m, int64_t step) {
  if (m.loaded_step == step) return;
  at::Tensor rows;
  if (options_.given_order.defined()) {
    rows = options_.given_order[step];
  } else {
    const auto batch = m.order->at(step);
    rows = at::from_blob(const_cast<int64_t*>(batch.indices), {batch.size},
                         at::TensorOptions().dtype(at::kLong));
  }
  m.x = data_.train_x.index_select(0, rows);
  m.y = data_.train_y.index_select(0, rows);
  m.loaded_step = step;
}

int64_t Ensemble::most_steps_at_once() const { return kMostStepsAtOnce; }

void Ensemble::steps(int64_t first, int64_t count) {
  for_each_active([&](Member& m) {
    for (int64_t i = first; i < first + count; ++i) {
      step_member(m, i);
      m.new_losses.emplace_back(i + 1, m.last_loss);
      if (!std::isfinite(m.last_loss)) break;  // the loop stops at this step
    }
  });
}

void Ensemble::step_member(Member& m, int64_t step) {
  const double start = monotonic_seconds();
  load_batch(m, step);
  if (m.predictor != nullptr && (step + 1) % options_.timing.stride() == 0) {
    m.history[m.snapshots++].copy_(m.params);  // before the update
    if (m.snapshots == options_.timing.ctx) {
      nowcast(m, step);
      m.seconds += m.nowcasts.back().seconds;
      return;
    }
  }
  m.last_loss = net_.loss_and_gradient(m.params, m.buffers, m.x, m.y, m.gradient).item<float>();
  m.optimizer->step(m.params, m.gradient);
  m.loss_sum += m.last_loss;
  ++m.loss_count;
  m.seconds += monotonic_seconds() - start;
}

// Replaces the optimiser's step; moments and the optimiser's own count stay as they are.
void Ensemble::nowcast(Member& m, int64_t step) {
  const auto batch_loss = [&] {
    return score_of(net_.logits(m.params, m.buffers, m.x, true), m.y).loss;
  };
  const auto accuracy = [&] {
    return 100 * net_.evaluate(m.params, m.buffers, data_.test_x, data_.test_y).accuracy;
  };
  NowcastRecord record;
  record.step = step + 1;
  record.k = options_.timing.k_at(step);
  record.loss_before = batch_loss();
  record.metric_before = accuracy();
  const double start = monotonic_seconds();
  const at::Tensor next =
      m.predictor->predict(m.history.t().contiguous(), record.k, uint64_t(step));
  record.seconds = monotonic_seconds() - start;
  require_finite(next, net_.architecture(),
                 fmt::format("step {}: nowcast of {}", step + 1, m.label()));
  m.params.copy_(next);
  m.snapshots = 0;
  record.loss_after = batch_loss();
  record.metric_after = accuracy();
  m.nowcasts.push_back(record);
  m.last_loss = record.loss_after;
}

std::vector<std::pair<int64_t, double>> Ensemble::drain_losses() {
  std::vector<std::pair<int64_t, double>> out;
  for (Member& m : members_) {
    out.insert(out.end(), m.new_losses.begin(), m.new_losses.end());
    m.new_losses.clear();
  }
  // The earliest loss that is not finite is the one to report.
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

train::Program::Row Ensemble::evaluate(int64_t done) {
  std::map<const Member*, TargetNet::Score> scores;
  for (const Member& m : members_) {
    if (m.active) scores[&m] = {};
  }
  for_each_active([&](Member& m) {
    scores.at(&m) = net_.evaluate(m.params, m.buffers, data_.test_x, data_.test_y);
  });
  Row row;
  for (Member& m : members_) {
    if (!m.active) continue;
    const TargetNet::Score& score = scores.at(&m);
    CurvePoint point{done, m.loss_count > 0 ? m.loss_sum / double(m.loss_count) : std::nan(""),
                     score.loss, 100 * score.accuracy};
    m.loss_sum = 0;
    m.loss_count = 0;
    m.curve.push_back(point);
    row.emplace_back(m.label() + "/train_loss", point.train_loss);
    row.emplace_back(m.label() + "/test_loss", point.test_loss);
    row.emplace_back(m.label() + "/test_acc", point.test_acc);
    if (m.target_step < 0 && point.test_acc >= options_.target) {
      m.target_step = done;
      m.target_seconds = m.seconds;
    }
    if (options_.stop_at_target && m.target_step >= 0) m.active = false;
  }
  return row;
}

std::vector<Ensemble::Scores> Ensemble::scores(int64_t step) {
  const c10::InferenceMode guard;
  std::vector<Scores> out(members_.size());
  for_each_active([&](Member& m) {
    load_batch(m, step);
    Scores& s = out[size_t(&m - members_.data())];
    s.test = net_.evaluate(m.params, m.buffers, data_.test_x, data_.test_y);
    s.batch = score_of(net_.logits(m.params, m.buffers, m.x), m.y);
  });
  return out;
}

bool Ensemble::finished() const {
  return std::none_of(members_.begin(), members_.end(), [](const Member& m) { return m.active; });
}

double Ensemble::score() const {
  double sum = 0;
  for (const Member& m : members_) sum += m.curve.empty() ? 0 : m.curve.back().test_acc;
  return sum / double(members_.size());
}

std::string Ensemble::note() const {
  const Member& m = members_.back();
  return m.curve.empty() ? m.label()
                         : fmt::format("{} acc {:.2f} %", m.label(), m.curve.back().test_acc);
}

void Ensemble::visit_state(train::Archive& archive) {
  for (Member& m : members_) visit_member(archive, m);
}

void Ensemble::visit_member(train::Archive& archive, Member& m) {
  // A single run stores plain names, which `step --ckpt-dir` reads without --member.
  const std::string prefix = m.label() + "/";
  const std::string weights = members_.size() == 1 ? "" : prefix;
  int64_t offset = 0;
  for (const ParamSpec& p : net_.architecture().params) {
    archive.weight(weights + p.name, m.params.narrow(0, offset, p.numel()).view(p.shape));
    offset += p.numel();
  }
  for (const TargetNet::Buffer& b : net_.buffer_layout()) {
    archive.weight(weights + b.name, m.buffers.narrow(0, b.offset, b.size));
  }
  m.optimizer->visit_state(archive, prefix + "optimizer/");
  if (m.history.defined()) archive.tensor(prefix + "history", m.history);
  archive.number(prefix + "snapshots", m.snapshots);
  archive.truth(prefix + "active", m.active);
  archive.number(prefix + "target_step", m.target_step);
  archive.number(prefix + "seconds", m.seconds);
  archive.number(prefix + "target_seconds", m.target_seconds);
  archive.number(prefix + "loss_sum", m.loss_sum);
  archive.number(prefix + "loss_count", m.loss_count);
  train::visit_records(archive, prefix + "curve", m.curve,
                       {&CurvePoint::train_loss, &CurvePoint::test_loss, &CurvePoint::test_acc},
                       {&CurvePoint::step});
  train::visit_records(
      archive, prefix + "nowcasts", m.nowcasts,
      {&NowcastRecord::seconds, &NowcastRecord::loss_before, &NowcastRecord::loss_after,
       &NowcastRecord::metric_before, &NowcastRecord::metric_after},
      {&NowcastRecord::step, &NowcastRecord::k});
}

}  // namespace tenfold::nino_nowcast
