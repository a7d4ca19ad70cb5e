#include "tools/rich-lazy/ensemble.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace tenfold::rich_lazy {
namespace {

constexpr size_t kFinalIterations = 200, kRatedLogs = 20;
constexpr double kUselessLoss = 10;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double mean(const std::vector<double>& values, size_t from, size_t to) {
  double sum = 0;
  for (size_t i = from; i < to; ++i) sum += values[i];
  return sum / double(to - from);
}

Moment moment_of(int64_t iteration, const Measures& m) {
  return {iteration,
          m.weight_change_norm,
          m.rep_alignment.value_or(kNone),
          m.kernel_alignment.value_or(kNone),
          m.target_alignment.value_or(kNone),
          m.sign_similarity,
          m.evaluation_loss,
          m.decision_accuracy};
}

// Iterations of one model, each on its batch; stops where the loss is not finite.
void train_model(Model& model, Network& network, const std::vector<Trials>& batches, int64_t first,
                 int64_t count) {
  for (int64_t k = 0; k < count && model.diverged_at < 0; ++k) {
    const Trials& batch = batches[size_t(k)];
    const TrialsView view{batch.x.data(), batch.labels.data(), batch.batch};
    const double loss =
        network.gradient(model.weights, view, model.optimizer.options.recurrent_only);
    if (!std::isfinite(loss)) {
      model.diverged_at = first + k;
      return;
    }
    model.losses.push_back(loss);
    model.optimizer.update(model.weights, network.gradient(), first + k);
  }
}

void visit_weights(train::Archive& archive, const std::string& name, Weights& weights) {
  const NetworkShape& s = weights.shape();
  const auto part = [&](const std::string& of, float* data, int64_t rows, int64_t columns) {
    archive.weight(name + of, at::from_blob(data, {rows, columns}, at::kFloat));
  };
  part(".recurrent", weights.recurrent(), s.hidden, s.hidden);
  part(".input", weights.input(), s.hidden, s.inputs);
  part(".output", weights.output(), s.outputs, s.hidden);
}

void visit_vector(train::Archive& archive, const std::string& name, std::vector<float>& v) {
  if (v.empty()) return;
  archive.tensor(name, at::from_blob(v.data(), {int64_t(v.size())}, at::kFloat));
}

}  // namespace

Model make_model(const Setting& setting, const ModelKey& key, Weights initial) {
  const TrainConfig& c = setting.config;
  Model model;
  model.key = key;
  model.weights = initial;
  model.initial = std::move(initial);
  const OptimizerOptions options{c.optimizer == "adam" ? Rule::kAdam : Rule::kMomentum, key.lr,
                                 c.momentum, c.freeze_io};
  model.optimizer = Optimizer(options, model.weights.shape());
  return model;
}

void visit_model(train::Archive& archive, Model& m) {
  const std::string name = m.key.name();
  visit_weights(archive, name + "/initial", m.initial);
  visit_weights(archive, name + "/final", m.weights);
  visit_vector(archive, name + "/velocity", m.optimizer.velocity);
  visit_vector(archive, name + "/square", m.optimizer.square);
  archive.numbers(name + "/losses", m.losses);
  archive.number(name + "/diverged_at", m.diverged_at);
  train::visit_records<Moment>(
      archive, name + "/along", m.along,
      {&Moment::weight_change_norm, &Moment::rep_alignment, &Moment::kernel_alignment,
       &Moment::target_alignment, &Moment::sign_similarity, &Moment::evaluation_loss,
       &Moment::decision_accuracy},
      {&Moment::iteration});
}

std::optional<double> final_loss(const Model& model) {
  const size_t n = model.losses.size();
  if (n == 0) return std::nullopt;
  return mean(model.losses, n - std::min(n, kFinalIterations), n);
}

std::vector<double> loss_log(const Model& model, int64_t every) {
  std::vector<double> log;
  if (model.losses.empty()) return log;
  log.push_back(model.losses[0]);
  const size_t step = size_t(every);
  for (size_t end = step; end < model.losses.size(); end += step)
    log.push_back(mean(model.losses, end - step + 1, end + 1));
  return log;
}

std::vector<bool> choose_rates(const std::vector<Model>& models, int64_t log_every) {
  std::vector<bool> chosen(models.size(), false);
  for (size_t first = 0, end = 0; first < models.size(); first = end) {
    while (end < models.size() && models[end].key.competes_with(models[first].key)) ++end;
    if (end - first == 1) {
      chosen[first] = models[first].diverged_at < 0;
      continue;
    }
    size_t best = models.size();
    double least = kUselessLoss;
    for (size_t i = first; i < end; ++i) {
      const std::vector<double> log = loss_log(models[i], log_every);
      // Without training there is nothing to choose by.
      const double rating =
          log.empty() ? 0 : mean(log, log.size() - std::min(log.size(), kRatedLogs), log.size());
      if (models[i].diverged_at >= 0 || !(rating < least)) continue;
      least = rating;
      best = i;
    }
    if (best < models.size()) chosen[best] = true;
  }
  return chosen;
}

Ensemble::Ensemble(const Setting& setting, std::optional<at::Device> device) : setting_(setting) {
  const std::vector<ModelKey> keys = model_keys(setting);
  std::vector<Weights> weights = initial_weights(setting, keys);
  std::map<std::pair<Task, int64_t>, size_t> source;
  for (size_t i = 0; i < keys.size(); ++i) {
    const ModelKey& key = keys[i];
    const auto [at, fresh] = source.emplace(std::pair(key.task, key.seed), sources_.size());
    if (fresh) sources_.push_back({key.task, key.seed, setting.source(key.task, key.seed), {}});
    source_of_.push_back(at->second);
    models_.push_back(make_model(setting, key, std::move(weights[i])));
  }
  networks_.resize(size_t(at::get_num_threads()));
  for (auto& of_thread : networks_) of_thread.resize(task_names().size());
  if (!device) return;
  for (const std::string& name : setting.config.task) {
    const Task task = task_of(name);
    std::vector<size_t> of_models, of_sources;
    std::vector<TensorTraining::Member> members;
    for (size_t s = 0; s < sources_.size(); ++s)
      if (sources_[s].task == task) of_sources.push_back(s);
    for (size_t i = 0; i < models_.size(); ++i) {
      if (models_[i].key.task != task) continue;
      of_models.push_back(i);
      const auto place = std::find(of_sources.begin(), of_sources.end(), source_of_[i]);
      members.push_back(
          {&models_[i].weights, &models_[i].optimizer, size_t(place - of_sources.begin())});
    }
    TensorTraining training(setting.shape(task), std::move(members), of_sources.size(), *device);
    groups_.push_back({std::move(of_models), std::move(of_sources), std::move(training)});
  }
}

void Ensemble::settle() {
  if (newest_ != Newest::kDevice) return;
  for (TensorGroup& group : groups_) group.training.download();
  newest_ = Newest::kBoth;
}

void Ensemble::tensor_steps(int64_t first, int64_t count) {
  for (TensorGroup& group : groups_) {
    if (newest_ == Newest::kHost) {
      std::vector<bool> alive;
      for (const size_t i : group.models) alive.push_back(models_[i].diverged_at < 0);
      group.training.upload(alive);
    }
    std::vector<std::vector<const Trials*>> batches(static_cast<size_t>(count));
    for (int64_t k = 0; k < count; ++k)
      for (const size_t s : group.sources)
        batches[size_t(k)].push_back(&sources_[s].drawn[size_t(k)]);
    const std::vector<float> losses = group.training.train(batches, first);
    for (size_t m = 0; m < group.models.size(); ++m) {
      Model& model = models_[group.models[m]];
      for (int64_t k = 0; k < count && model.diverged_at < 0; ++k) {
        const double loss = losses[m * size_t(count) + size_t(k)];
        if (std::isfinite(loss))
          model.losses.push_back(loss);
        else
          model.diverged_at = first + k;
      }
    }
  }
  newest_ = Newest::kDevice;
}

void Ensemble::steps(int64_t first, int64_t count) {
  for (Source& s : sources_) s.drawn.resize(size_t(count));
  const int64_t draws = int64_t(sources_.size()) * count;
  at::parallel_for(0, draws, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Source& s = sources_[size_t(i / count)];
      s.trials.training(first + i % count, s.drawn[size_t(i % count)]);
    }
  });
  if (!groups_.empty()) return tensor_steps(first, count);
  at::parallel_for(0, int64_t(models_.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Model& model = models_[size_t(i)];
      std::unique_ptr<Network>& network =
          networks_[size_t(at::get_thread_num())][size_t(model.key.task)];
      if (!network) network = std::make_unique<Network>(model.weights.shape());
      train_model(model, *network, sources_[source_of_[size_t(i)]].drawn, first, count);
    }
  });
}

train::Program::Row Ensemble::evaluate(int64_t done) {
  settle();
  Row row;
  const int64_t every = setting_.config.measure_every;
  const bool due = every > 0 && done > 0 && done % every == 0;
  std::vector<std::optional<Measures>> measures;
  if (due) measures = measure_models(setting_, models_);
  for (size_t i = 0; i < models_.size(); ++i) {
    Model& model = models_[i];
    const size_t n = model.losses.size();
    const size_t window = std::min(n, size_t(setting_.config.log_every));
    const bool lives = model.diverged_at < 0 && n > 0;
    const std::string name = model.key.name();
    row.emplace_back(name + "/loss", lives ? mean(model.losses, n - window, n) : kNone);
    if (!due || !measures[i]) continue;
    const Moment& m = model.along.emplace_back(moment_of(done, *measures[i]));
    row.emplace_back(name + "/weight_change_norm", m.weight_change_norm);
    row.emplace_back(name + "/rep_alignment", m.rep_alignment);
    row.emplace_back(name + "/kernel_alignment", m.kernel_alignment);
  }
  return row;
}

bool Ensemble::all_diverged() const {
  return std::all_of(models_.begin(), models_.end(),
                     [](const Model& m) { return m.diverged_at >= 0; });
}

std::string Ensemble::note() const {
  double sum = 0, count = 0;
  for (const Model& m : models_) {
    if (m.diverged_at >= 0 || m.losses.empty()) continue;
    sum += m.losses.back();
    ++count;
  }
  if (count == 0) return "";
  return models_.size() == 1 ? fmt::format("loss {:.4f}", sum)
                             : fmt::format("mean loss of {} network{} {:.4f}", count,
                                           count == 1 ? "" : "s", sum / count);
}

void Ensemble::visit_state(train::Archive& archive) {
  settle();
  for (Model& m : models_) visit_model(archive, m);
  newest_ = Newest::kHost;  // the archive may have brought other numbers
}

std::vector<std::optional<Measures>> measure_models(const Setting& setting,
                                                    const std::vector<Model>& models) {
  std::map<std::pair<Task, int64_t>, Trials> evaluation;
  std::vector<std::optional<Measures>> out;
  for (const Model& model : models) {
    if (model.diverged_at >= 0) {
      out.emplace_back();
      continue;
    }
    const ModelKey& key = model.key;
    Trials& trials = evaluation[{key.task, key.seed}];
    if (trials.batch == 0)
      trials = setting.source(key.task, key.seed).evaluation(setting.config.eval_batches);
    out.push_back(measure(
        model.initial, model.weights,
        {{trials.x.data(), trials.labels.data(), trials.batch}, setting.ntk_trials(key.task)}));
  }
  return out;
}

}  // namespace tenfold::rich_lazy
