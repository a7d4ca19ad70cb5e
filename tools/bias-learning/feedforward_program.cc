#include "tools/bias-learning/feedforward_program.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "common/core/clock.h"
#include "common/log/logger.h"

namespace tenfold::bias_learning {
namespace {

at::Tensor flat(std::vector<float>& v) {
  return at::from_blob(v.data(), {int64_t(v.size())}, at::kFloat);
}

}  // namespace

at::Tensor matrix(const std::vector<float>& v, int64_t columns) {
  return at::from_blob(const_cast<float*>(v.data()), {int64_t(v.size()) / columns, columns},
                       at::kFloat);
}

Score score_of(const TrainedTask& task, Preactivations& z, const std::vector<int64_t>& labels) {
  constexpr int64_t kAtOnce = 1000;
  Score score;
  int64_t right = 0;
  std::vector<int64_t> rows(labels.size());
  std::iota(rows.begin(), rows.end(), 0);
  for (int64_t first = 0; first < z.images(); first += kAtOnce) {
    const int64_t count = std::min(kAtOnce, z.images() - first);
    const std::vector<float> logits =
        task.logits(z.of(rows.data() + first, count), z.x().narrow(0, first, count));
    score.loss += cross_entropy(logits.data(), labels.data() + first, count, nullptr) *
                  double(count) / double(z.images());
    for (int64_t n = 0; n < count; ++n) {
      const float* row = logits.data() + n * kClasses;
      right += std::max_element(row, row + kClasses) - row == labels[size_t(first + n)];
    }
  }
  score.accuracy = double(right) / double(z.images());
  return score;
}

std::string Job::name() const {
  return fmt::format("{}/{}/{}", image_set, kMethodNames[size_t(method)], seed);
}

FeedforwardProgram::FeedforwardProgram(const FeedforwardOptions& options,
                                       std::map<std::string, DataSet> data)
    : options_(options), data_(std::move(data)) {
  for (const uint64_t seed : options.seeds) weights_.push_back(draw_weights(options.weights, seed));
  for (size_t s = 0; s < options.seeds.size(); ++s) {
    for (const std::string& method_name : options.methods) {
      const Method method = method_named(method_name);
      std::map<std::string, size_t> of_set;
      for (const TaskName& task : options.tasks) {
        const auto& only = options.first_method_only;
        if (method_name != options.methods[0] &&
            std::find(only.begin(), only.end(), task.name) != only.end())
          continue;
        // Full training shares nothing between tasks.
        const std::string key = method == Method::kFull ? task.name : task.image_set();
        if (of_set.count(key) == 0) {
          of_set[key] = jobs_.size();
          Job job;
          job.seed = options.seeds[s];
          job.seed_index = s;
          job.method = method;
          job.image_set = task.image_set();
          job.epochs = method == Method::kRandom ? 0
                       : method == Method::kFull ? options.full_epochs
                                                 : options.epochs;
          const int64_t images = data_.at(task.source).train.count;
          job.steps_per_epoch = (images + options.batch - 1) / options.batch;
          job.first_step = total_steps_;
          total_steps_ += job.steps();
          jobs_.push_back(std::move(job));
        }
        Job& job = jobs_[of_set[key]];
        job.tasks.push_back(task);
        job.trained.emplace_back(method, weights_[s], options.weights.hidden, options.seeds[s]);
        job.train_accuracy.push_back(0);
      }
    }
  }
}

void FeedforwardProgram::prepare(const Job& job) {
  const std::string key = fmt::format("{}/{}", job.image_set, job.seed);
  // Full training multiplies by weights of its own.
  const bool cached = job.method != Method::kFull;
  const std::string wanted = key + (cached ? "" : "/full");
  if (training_.key == wanted) return;
  training_ = {};
  training_.key = wanted;
  training_.images = data_.at(job.tasks[0].source).train;
  apply_view(training_.images, job.tasks[0].view, job.seed);
  training_.z = std::make_unique<Preactivations>(matrix(training_.images.pixels, kPixels),
                                                 matrix(weights_[job.seed_index].input, kPixels),
                                                 cached ? options_.cache_bytes : 0);
}

void FeedforwardProgram::step(int64_t step) {
  const auto after = std::find_if(jobs_.begin(), jobs_.end(),
                                  [&](const Job& j) { return step < j.first_step + j.steps(); });
  Job& job = *after;
  prepare(job);
  const std::string key = training_.key;
  if (order_key_ != key) {
    order_ = std::make_unique<data::BatchOrder>(training_.images.count, options_.batch, job.seed,
                                                "order/" + job.image_set);
    order_key_ = key;
  }
  const double began = monotonic_seconds();
  const int64_t own = step - job.first_step, epoch = own / job.steps_per_epoch;
  const data::BatchOrder::Batch batch = order_->at(own);
  const double start = options_.rate > 0 ? options_.rate : default_rate(job.method);
  const double rate = rate_in(job.method, start, epoch, job.epochs);
  const double steepness = mask_steepness(epoch, job.epochs);
  kernels::HiddenRows z{nullptr, batch.indices, batch.size, options_.weights.hidden};
  at::Tensor x;
  if (job.method == Method::kFull) {
    x = training_.z->x().index_select(
        0, at::from_blob(const_cast<int64_t*>(batch.indices), {batch.size}, at::kLong));
  } else {
    z = training_.z->of(batch.indices, batch.size);
  }
  double mean = 0;
  std::vector<int64_t> labels(size_t(batch.size));
  for (size_t t = 0; t < job.tasks.size(); ++t) {
    for (int64_t n = 0; n < batch.size; ++n) {
      const int64_t y = training_.images.labels[size_t(batch.indices[n])];
      labels[size_t(n)] = job.tasks[t].relabel ? (y + 3) % kClasses : y;
    }
    mean += job.trained[t].step(z, x, labels.data(), rate, steepness) / double(job.tasks.size());
  }
  images_trained_ += batch.size * int64_t(job.tasks.size());
  seconds_trained_ += monotonic_seconds() - began;
  losses_.emplace_back(step, mean);
  job.epoch_sum += mean;
  if ((own + 1) % job.steps_per_epoch == 0) {
    job.losses.push_back(job.epoch_sum / double(job.steps_per_epoch));
    job.epoch_sum = 0;
  }
  if (own + 1 == job.steps()) {
    for (size_t t = 0; t < job.tasks.size(); ++t)
      job.train_accuracy[t] =
          score_of(job.trained[t], *training_.z, labels_of(training_.images, job.tasks[t]))
              .accuracy;
  }
}

std::vector<std::pair<int64_t, double>> FeedforwardProgram::drain_losses() {
  return std::exchange(losses_, {});
}

train::Program::Row FeedforwardProgram::evaluate(int64_t) {
  Row row;
  for (const Job& job : jobs_)
    if (!job.losses.empty()) row.emplace_back("loss/" + job.name(), job.losses.back());
  return row;
}

std::string FeedforwardProgram::note() const {
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job)
    if (!job->losses.empty())
      return fmt::format("{}: loss {:.3f}", job->name(), job->losses.back());
  return "";
}

void FeedforwardProgram::visit_state(train::Archive& archive) {
  for (Job& job : jobs_) {
    for (size_t t = 0; t < job.tasks.size(); ++t) {
      const std::string name =
          fmt::format("{}/{}/{}/", kMethodNames[size_t(job.method)], job.tasks[t].name, job.seed);
      TrainedTask& task = job.trained[t];
      archive.weight(name + "values", flat(task.values));
      archive.tensor(name + "m", flat(task.adam.m));
      archive.tensor(name + "v", flat(task.adam.v));
      archive.number(name + "steps", task.adam.steps);
    }
    const std::string name = fmt::format("job/{}/{}/", job.name(), job.tasks[0].name);
    archive.numbers(name + "losses", job.losses);
    archive.numbers(name + "train_accuracy", job.train_accuracy);
    archive.number(name + "epoch_sum", job.epoch_sum);
  }
  archive.number("images_trained", images_trained_);
  archive.number("seconds_trained", seconds_trained_);
}

Preactivations& FeedforwardProgram::test_set(const Job& job) {
  const std::string key = fmt::format("{}/{}", job.image_set, job.seed);
  if (testing_.key != key) {
    training_ = {};  // one set at a time
    testing_ = {};
    testing_.key = key;
    testing_.images = data_.at(job.tasks[0].source).test;
    apply_view(testing_.images, job.tasks[0].view, job.seed);
    testing_.z = std::make_unique<Preactivations>(matrix(testing_.images.pixels, kPixels),
                                                  matrix(weights_[job.seed_index].input, kPixels),
                                                  options_.cache_bytes);
  }
  return *testing_.z;
}

const Images& FeedforwardProgram::test_images(const Job& job) {
  test_set(job);
  return testing_.images;
}

Score FeedforwardProgram::test_score(const Job& job, size_t task) {
  Preactivations& z = test_set(job);
  return score_of(job.trained[task], z, labels_of(testing_.images, job.tasks[task]));
}

}  // namespace tenfold::bias_learning
