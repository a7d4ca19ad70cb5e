#include "tools/bias-learning/feedforward_program.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>

#include "common/core/clock.h"
#include "common/core/error.h"
#include "common/log/logger.h"

namespace tenfold::bias_learning {
namespace {

at::Tensor flat(std::vector<float>& v) {
  return at::from_blob(v.data(), {int64_t(v.size())}, at::kFloat);
}

}  // namespace

Score score_of(const TrainedTask& task, const RandomWeights& weights, Preactivations& z,
               const std::vector<int64_t>& labels) {
  const int64_t images = z.images(), classes = task.classes(),
                at_once = images_at_once(weights.spec.hidden);
  Score score;
  int64_t right = 0;
  for (int64_t first = 0; first < images; first += at_once) {
    const int64_t count = std::min(at_once, images - first);
    const std::vector<float> logits = task.logits(weights, z, first, count);
    score.loss += cross_entropy(logits.data(), labels.data() + first, count, classes, nullptr) *
                  double(count) / double(images);
    for (int64_t n = 0; n < count; ++n) {
      const float* row = logits.data() + n * classes;
      right += std::max_element(row, row + classes) - row == labels[size_t(first + n)];
    }
  }
  score.accuracy = double(right) / double(images);
  return score;
}

std::unique_ptr<Preactivations> preactivations_of(const Images& images,
                                                  const RandomWeights& weights, int64_t budget,
                                                  at::Tensor& storage) {
  const auto matrix = [&](const float* data, int64_t rows) {
    return at::from_blob(const_cast<float*>(data), {rows, weights.spec.inputs}, at::kFloat);
  };
  return std::make_unique<Preactivations>(matrix(images.pixels.data(), images.count),
                                          matrix(weights.input(), weights.spec.hidden), budget,
                                          storage);
}

std::string Job::name(size_t task) const {
  return tasks[task].name + "/" + kMethodNames[size_t(method)] + (label.empty() ? "" : "/" + label);
}

FeedforwardProgram::FeedforwardProgram(const FeedforwardOptions& options,
                                       const std::map<std::string, DataSet>& data)
    : options_(options), data_(data) {
  const auto add = [&](size_t asked, size_t seed_index, const std::string& method_name) {
    const Method method = method_named(method_name);
    std::map<std::string, size_t> of_set;
    for (const TaskName& task : options.tasks) {
      const auto& only = options.first_method_only;
      if (method_name != options.methods[0] &&
          std::find(only.begin(), only.end(), task.name) != only.end())
        continue;
      // Full training shares nothing between tasks.
      const std::string key = trains_all(method) ? task.name : task.image_set();
      if (of_set.count(key) == 0) {
        of_set[key] = jobs_.size();
        Job job;
        job.seed = options.seeds[seed_index];
        job.seed_index = seed_index;
        job.asked = asked;
        job.network = network_of(method, options.networks[asked], task.classes());
        job.method = method;
        job.image_set = task.image_set();
        if (!options.labels.empty()) job.label = options.labels[asked];
        job.epochs = method == Method::kRandom ? 0
                     : trains_all(method)      ? options.full_epochs
                                               : options.epochs;
        const int64_t images = data_.at(task.source).train.count;
        job.steps_per_epoch = (images + options.batch - 1) / options.batch;
        job.first_step = total_steps_;
        total_steps_ += job.steps();
        jobs_.push_back(std::move(job));
      }
      Job& job = jobs_[of_set[key]];
      job.tasks.push_back(task);
      job.trained.emplace_back(method, job.network, task.classes(), weights(job), job.seed);
      job.train_accuracy.push_back(0);
      job.losses.emplace_back();
      job.epoch_sum.push_back(0);
    }
  };
  for (size_t n = 0; n < options.networks.size(); ++n)
    for (size_t s = 0; s < options.seeds.size(); ++s)
      for (const std::string& method : options.methods) add(n, s, method);
}

const RandomWeights& FeedforwardProgram::weights_of(const Network& network, uint64_t seed) {
  if (weights_.values.empty() || !(weights_.spec == network.weights) || weights_seed_ != seed) {
    prepared_.key.clear();  // of the other weights
    prepared_.z.reset();
    check_frozen();
    weights_ = {};
    weights_ = draw_weights(network.weights, seed);
    weights_seed_ = seed;
    weights_hash_ = weights_.hash();
  }
  return weights_;
}

void FeedforwardProgram::check_frozen() const {
  if (!weights_.values.empty() && weights_.hash() != weights_hash_)
    throw NumericError("the random weights have changed, which nothing may train");
}

std::string FeedforwardProgram::kept(const Network& network) const {
  int64_t most = 0;
  for (const auto& [name, set] : data_) most = std::max(most, set.train.count);
  return Preactivations::kept_for(most, network.weights.hidden, options_.cache_bytes);
}

void FeedforwardProgram::prepare(const Job& job, bool training) {
  const RandomWeights& w = weights(job);
  // Full training multiplies by weights of its own.
  const bool cached = !trains_all(job.method);
  const std::string key =
      fmt::format("{}/{}/{}", training ? "train" : "test", job.image_set, cached ? "" : "full");
  if (prepared_.key == key) return;
  prepared_.z.reset();
  prepared_.key = key;
  const DataSet& set = data_.at(job.tasks[0].source);
  prepared_.images = training ? &set.train : &set.test;
  if (!job.tasks[0].view.empty()) {
    prepared_.viewed = *prepared_.images;
    apply_view(prepared_.viewed, job.tasks[0].view, job.seed);
    prepared_.images = &prepared_.viewed;
  }
  prepared_.z =
      preactivations_of(*prepared_.images, w, cached ? options_.cache_bytes : 0, storage_);
}

void FeedforwardProgram::step(int64_t step) {
  const auto after = std::find_if(jobs_.begin(), jobs_.end(),
                                  [&](const Job& j) { return step < j.first_step + j.steps(); });
  Job& job = *after;
  prepare(job, true);
  const Images& images = *prepared_.images;
  const std::string& key = job.image_set;
  if (order_ == nullptr || order_key_ != key || order_seed_ != job.seed) {
    order_ = std::make_unique<data::BatchOrder>(images.count, options_.batch, job.seed,
                                                "order/" + job.image_set);
    order_key_ = key;
    order_seed_ = job.seed;
  }
  const double began = monotonic_seconds();
  const int64_t own = step - job.first_step, epoch = own / job.steps_per_epoch;
  const data::BatchOrder::Batch chosen = order_->at(own);
  const double start = options_.rate > 0 ? options_.rate : default_rate(job.method);
  Batch batch{{nullptr, chosen.indices, chosen.size, job.network.weights.hidden},
              {},
              nullptr,
              rate_in(job.method, start, epoch, job.epochs),
              mask_steepness(epoch, job.epochs)};
  if (trains_all(job.method)) {
    batch.x = prepared_.z->x().index_select(
        0, at::from_blob(const_cast<int64_t*>(chosen.indices), {chosen.size}, at::kLong));
  } else {
    batch.z = prepared_.z->of(chosen.indices, chosen.size);
  }
  step_losses_.clear();
  labels_.clear();  // [tasks, images]
  for (const TaskName& task : job.tasks)
    for (int64_t n = 0; n < chosen.size; ++n)
      labels_.push_back(task.label(images.labels[size_t(chosen.indices[n])]));
  batch.labels = labels_.data();
  const bool together = std::all_of(job.trained.begin(), job.trained.end(), [&](const auto& t) {
    return t.biases_alone() && t.classes() == job.trained[0].classes();
  });
  if (together) {
    step_losses_ = TrainedTask::step_biases(job.trained, weights_, batch, scratch_);
  } else {
    for (TrainedTask& task : job.trained) {
      step_losses_.push_back(task.step(weights_, batch, scratch_));
      batch.labels += chosen.size;
    }
  }
  images_trained_ += chosen.size * int64_t(job.tasks.size());
  seconds_trained_ += monotonic_seconds() - began;
  double mean = 0;
  for (size_t t = 0; t < job.tasks.size(); ++t) {
    mean += step_losses_[t] / double(job.tasks.size());
    job.epoch_sum[t] += step_losses_[t];
    if ((own + 1) % job.steps_per_epoch != 0) continue;
    job.losses[t].push_back(job.epoch_sum[t] / double(job.steps_per_epoch));
    job.epoch_sum[t] = 0;
  }
  losses_.emplace_back(step, mean);
  if (own + 1 == job.steps()) {
    for (size_t t = 0; t < job.tasks.size(); ++t) {
      job.trained[t].adam.release();
      job.train_accuracy[t] =
          score_of(job.trained[t], weights_, *prepared_.z, labels_of(images, job.tasks[t]))
              .accuracy;
    }
  }
}

std::vector<std::pair<int64_t, double>> FeedforwardProgram::drain_losses() {
  return std::exchange(losses_, {});
}

train::Program::Row FeedforwardProgram::evaluate(int64_t) {
  Row row;
  for (const Job& job : jobs_)
    for (size_t t = 0; t < job.tasks.size() && job.begun(); ++t)
      row.emplace_back(fmt::format("loss/{}/{}", job.name(t), job.seed), job.losses[t].back());
  return row;
}

std::string FeedforwardProgram::note() const {
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job)
    if (job->begun())
      return fmt::format("{}/{}: loss {:.3f}", job->name(0), job->seed, job->losses[0].back());
  return "";
}

void FeedforwardProgram::visit_state(train::Archive& archive) {
  for (Job& job : jobs_) {
    for (size_t t = 0; t < job.tasks.size(); ++t) {
      const std::string name = fmt::format(
          "{}/{}/{}/{}/", job.asked, kMethodNames[size_t(job.method)], job.tasks[t].name, job.seed);
      TrainedTask& task = job.trained[t];
      archive.weight(name + "values", flat(task.values));
      archive.number(name + "steps", task.adam.steps);
      archive.numbers(name + "losses", job.losses[t]);
      if (task.adam.steps > 0 && int64_t(job.losses[t].size()) < job.epochs) {
        if (archive.loading()) task.adam.resize(task.values.size());
        archive.tensor(name + "m", flat(task.adam.m));
        archive.tensor(name + "v", flat(task.adam.v));
      }
      archive.number(name + "train_accuracy", job.train_accuracy[t]);
      archive.number(name + "epoch_sum", job.epoch_sum[t]);
    }
  }
  archive.number("images_trained", images_trained_);
  archive.number("seconds_trained", seconds_trained_);
}

Preactivations& FeedforwardProgram::test_set(const Job& job) {
  prepare(job, false);
  return *prepared_.z;
}

Score FeedforwardProgram::test_score(const Job& job, size_t task) {
  Preactivations& z = test_set(job);
  return score_of(job.trained[task], weights_, z, labels_of(*prepared_.images, job.tasks[task]));
}

}  // namespace tenfold::bias_learning
