#include "tools/samba-align/translator_program.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/std.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>

namespace tenfold::samba_align {
namespace {

// Passes of evaluation take their dropouts from places that no training step reaches.
constexpr uint64_t kEvaluationPass = uint64_t(1) << 40;

at::Tensor loss_of(const std::string& kind, const at::Tensor& y_hat, const at::Tensor& y) {
  if (kind == "mse") return at::mse_loss(y_hat, y);
  if (kind == "cosine+mse") return cosine_loss(y_hat, y) + at::mse_loss(y_hat, y);
  return cosine_loss(y_hat, y);
}

// One draw a sample and frame: whether the decoder is given the true frame.
at::Tensor teacher_draws(uint64_t seed, int64_t step, int64_t batch, int64_t frames, double rate) {
  const Stream stream(seed, "teacher");
  std::vector<uint8_t> given(size_t(batch * (frames - 1)));
  for (size_t k = 0; k < given.size(); ++k)
    given[k] = stream.uniform(uint64_t(step) * given.size() + k) < rate;
  return at::from_blob(given.data(), {batch, frames - 1}, at::kByte).to(at::kBool);
}

double mean_pearson(const Translation& t) {
  double sum = 0, count = 0;
  for (const ParcelMetrics& m : parcel_metrics(t, 1)) {
    if (!m.pearson) continue;
    sum += *m.pearson;
    ++count;
  }
  return count > 0 ? sum / count : std::nan("");
}

}  // namespace

TranslatorProgram::TranslatorProgram(const Dataset& dataset, const ModelSpec& spec,
                                     const TrainerOptions& options,
                                     const std::vector<int64_t>& seeds)
    : dataset_(dataset), options_(options) {
  for (const int64_t seed : seeds) {
    TranslatorMember& m = members_.emplace_back();
    m.seed = uint64_t(seed);
    m.model = make_model(spec, m.seed);
    const at::Tensor& values = m.model->parameters().values();
    train::OptimizerOptions adam;
    adam.lr = options.lr;
    // The responses' parameters are the first ones.
    m.hrf_count = m.model->parameters().count("hrf.");
    m.optimizer =
        std::make_unique<train::FlatOptimizer>(adam, values.numel() - m.hrf_count, at::kCPU);
    adam.lr = options.lr * options.hrf_lr_multiplier;
    m.hrf_optimizer = std::make_unique<train::FlatOptimizer>(adam, m.hrf_count, at::kCPU);
    m.best = values.detach().clone();
  }
}

void TranslatorProgram::step_member(TranslatorMember& m, int64_t step) {
  const int64_t size = options_.batch_size;
  Batch batch =
      dataset_.batch(dataset_.drawn(Stream(m.seed, "windows"), uint64_t(step * size), size));
  batch.true_first_frame = options_.true_first_frame;
  batch.teacher = teacher_draws(m.seed, step, size, m.model->times(), options_.teacher_forcing);
  const train::Parameters& p = m.model->parameters();
  p.gradient().zero_();
  const Activations a =
      m.model->forward(batch, Dropouts{DropoutKeys(m.seed, uint64_t(step)), true});
  at::Tensor loss = loss_of(options_.loss, a.y_hat, m.model->truth(batch));
  if (a.skip_loss.defined()) loss = loss + a.skip_loss;
  torch::autograd::backward({loss}, {});
  const int64_t hrf = m.hrf_count, rest = p.values().numel() - hrf;
  m.optimizer->step(p.values().narrow(0, hrf, rest), p.gradient().narrow(0, hrf, rest));
  if (hrf > 0) m.hrf_optimizer->step(p.values().narrow(0, 0, hrf), p.gradient().narrow(0, 0, hrf));
  m.pending.emplace_back(step + 1, loss.detach());
}

void TranslatorProgram::steps(int64_t first, int64_t count) {
  const auto run = [&](TranslatorMember& m) {
    for (int64_t s = first; s < first + count; ++s) step_member(m, s);
  };
  if (members_.size() == 1) return run(members_[0]);
  at::parallel_for(0, int64_t(members_.size()), 1, [&](int64_t from, int64_t end) {
    for (int64_t i = from; i < end; ++i) run(members_[size_t(i)]);
  });
}

std::vector<std::pair<int64_t, double>> TranslatorProgram::drain_losses() {
  std::vector<std::pair<int64_t, double>> all;
  for (TranslatorMember& m : members_) {
    for (const auto& [step, loss] : m.pending) {
      all.emplace_back(step, loss.item<double>());
      m.loss_sum += all.back().second;
      ++m.loss_count;
    }
    m.pending.clear();
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return all;
}

train::Program::Row TranslatorProgram::evaluate(int64_t done) {
  Row row;
  const std::vector<WindowPlace> places = dataset_.windows("valid");
  const TranslateOptions options{options_.true_first_frame, options_.eval_dropout};
  for (TranslatorMember& m : members_) {
    const Translation t = translate(*m.model, dataset_, places, options);
    HistoryPoint point;
    point.iteration = double(done);
    point.train_loss = m.loss_count > 0 ? m.loss_sum / double(m.loss_count) : std::nan("");
    point.valid_loss = mean_cosine_loss(t);
    point.valid_r = mean_pearson(t);
    m.loss_sum = 0;
    m.loss_count = 0;
    if (m.best_iteration < 0 || point.valid_loss < m.best_loss) {
      m.best_loss = point.valid_loss;
      m.best_iteration = done;
      m.best.copy_(m.model->parameters().values().detach());
    }
    m.history.push_back(point);
    const std::string end = members_.size() == 1 ? "" : fmt::format("/{}", m.seed);
    row.emplace_back("train/loss" + end, point.train_loss);
    row.emplace_back("valid/loss" + end, point.valid_loss);
    row.emplace_back("valid/r" + end, point.valid_r);
  }
  return row;
}

void TranslatorProgram::visit_state(train::Archive& archive) {
  for (TranslatorMember& m : members_) {
    const std::string prefix = fmt::format("{}/", m.seed);
    m.model->parameters().visit(archive, prefix);
    archive.weight(prefix + "best", m.best);
    m.optimizer->visit_state(archive, prefix);
    if (m.hrf_count > 0) m.hrf_optimizer->visit_state(archive, prefix + "hrf/");
    archive.number(prefix + "best_iteration", m.best_iteration);
    archive.number(prefix + "best_loss", m.best_loss);
    archive.number(prefix + "loss_sum", m.loss_sum);
    archive.number(prefix + "loss_count", m.loss_count);
    train::visit_records(archive, prefix + "history", m.history,
                         {&HistoryPoint::iteration, &HistoryPoint::train_loss,
                          &HistoryPoint::valid_loss, &HistoryPoint::valid_r},
                         {});
  }
}

double TranslatorProgram::score() const {
  double sum = 0;
  for (const TranslatorMember& m : members_)
    sum += m.history.empty() ? std::nan("") : -m.history.back().valid_loss;
  return sum;
}

std::string TranslatorProgram::note() const {
  std::string text = "validation r";
  for (const TranslatorMember& m : members_) {
    if (members_.size() > 1) text += fmt::format(" {}:", m.seed);
    text += m.history.empty() ? " -" : fmt::format(" {:.3f}", m.history.back().valid_r);
  }
  return text;
}

namespace {

void append(const at::Tensor& from, std::vector<float>& to) {
  const at::Tensor rows = from.contiguous();
  to.insert(to.end(), rows.data_ptr<float>(), rows.data_ptr<float>() + rows.numel());
}

}  // namespace

Translation translate(const Model& model, const Dataset& dataset,
                      const std::vector<WindowPlace>& places, const TranslateOptions& options) {
  const at::NoGradGuard guard;
  Translation t;
  t.windows = int64_t(places.size());
  t.targets = model.series();
  t.frames = model.times();
  for (const WindowPlace& p : places) {
    t.start_frames.push_back(p.start);
    t.subjects.emplace_back(p.ele, p.hemo);
  }
  at::Tensor share;
  for (int64_t first = 0; first < t.windows; first += options.at_once) {
    const int64_t end = std::min(first + options.at_once, t.windows);
    Batch batch = dataset.batch({places.begin() + first, places.begin() + end});
    batch.true_first_frame = options.true_first_frame;
    append(model.truth(batch), t.truth);
    if (options.mc_samples > 0) {
      const at::Tensor all = model.sampled(batch, options.mc_samples, uint64_t(first));
      append(all.mean(0), t.translated);
      append(all.std(0), t.deviation);
      continue;
    }
    std::optional<Dropouts> dropouts;
    if (options.dropout) {
      dropouts = Dropouts{DropoutKeys(0, kEvaluationPass + uint64_t(first)), false};
    }
    const Activations a = model.forward(batch, dropouts);
    append(a.y_hat, t.translated);
    if (!a.band_share.defined()) continue;
    const at::Tensor sum = a.band_share.sum(0).mean(0);
    share = share.defined() ? share + sum : sum;
  }
  if (share.defined()) append(share / double(t.windows), t.band_share);
  return t;
}

}  // namespace tenfold::samba_align
