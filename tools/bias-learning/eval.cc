// `eval`: stored biases and masks on the weights and test images of a train-fnn run (of a train-rnn
// run: eval_rnn.cc).

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "common/core/error.h"
#include "common/io/npz_writer.h"
#include "common/io/safetensors.h"
#include "common/stats/correlation.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/feedforward_program.h"
#include "tools/bias-learning/ntk_solver.h"
#include "tools/bias-learning/report.h"
#include "tools/bias-learning/seed_metrics.h"
#include "tools/bias-learning/stored_options.h"
#include "tools/bias-learning/task_variance.h"

namespace tenfold::bias_learning {
namespace {

using TrainedRun = StoredOptions<TrainFnnConfig>;

struct Found {
  uint64_t seed = 0;
  Network network;
  RandomWeights weights;
};

// The weights among those of the run that the file's digest names.
Found weights_of(const TrainedRun& run, const io::SafeTensors& file, const std::string& path) {
  const auto hash = file.metadata.find("weights_hash");
  if (hash == file.metadata.end())
    throw DataError(path + ": found no weights_hash, expected biases as train-fnn writes them");
  for (const Network& network : run.config.networks()) {
    for (const int64_t seed : run.seeds) {
      RandomWeights weights = draw_weights(network.weights, uint64_t(seed));
      if (weights.hash() == hash->second) return {uint64_t(seed), network, std::move(weights)};
    }
  }
  throw Mismatch(
      fmt::format("{}: trained on weights {}, which are none of the run's", path, hash->second));
}

// What one file holds of a task, as the method that made it; none where it has nothing of it.
std::optional<TrainedTask> stored_task(const io::SafeTensors& file, const std::string& path,
                                       Method method, const TaskName& task, const Network& network,
                                       const RandomWeights& weights) {
  const std::string key = (method == Method::kBias ? "b/" : "s/") + task.name;
  if (!file.has(key)) return std::nullopt;
  TrainedTask stored(method, network, task.classes(), weights, 0);
  const auto fill = [&](const std::string& name, int64_t first, int64_t count, const char* what) {
    const std::vector<float> values = file.at(name, path).to_float32(name);
    if (int64_t(values.size()) != count)
      throw Mismatch(
          fmt::format("{}: {} has {} {}, expected {}", path, name, values.size(), what, count));
    std::copy(values.begin(), values.end(), stored.values.begin() + first);
  };
  fill(key, 0, network.units(), "units");
  if (network.output_bias)
    fill("c/" + kMethodNames[size_t(method)] + "/" + task.name, network.units(), task.classes(),
         "outputs");
  return stored;
}

// Arrays TV and biases [tasks, units], float32; tasks: the names as bytes [tasks, longest], filled
// up with zeros.
void dump_tv(const std::string& path, const std::vector<std::string>& tasks,
             const std::vector<float>& tv, const std::vector<float>& biases) {
  const auto rows = int64_t(tasks.size());
  size_t longest = 0;
  for (const std::string& task : tasks) longest = std::max(longest, task.size());
  std::vector<uint8_t> names(tasks.size() * longest, 0);
  for (size_t t = 0; t < tasks.size(); ++t)
    std::copy(tasks[t].begin(), tasks[t].end(), names.begin() + int64_t(t * longest));
  const int64_t units = rows == 0 ? 0 : int64_t(tv.size()) / rows;
  io::write_npz(path, {{"TV", io::DType::kF32, {rows, units}, tv.data()},
                       {"biases", io::DType::kF32, {rows, units}, biases.data()},
                       {"tasks", io::DType::kU8, {rows, int64_t(longest)}, names.data()}});
}

// The files of a run, or the one that is named.
std::vector<std::string> files_of(const EvalConfig& config, const TrainedRun& trained) {
  if (!config.biases.empty()) return {config.biases};
  if (trained.config.networks().size() > 1)
    throw UsageError("--biases: missing; a sweep keeps one file of every width or range");
  std::vector<std::string> out;
  for (size_t s = 0; s < trained.seeds.size(); ++s)
    out.push_back(config.run + "/" + biases_file(trained.config, trained.seeds, 0, s));
  return out;
}

// What is computed of one file after the other.
class Evaluation {
 public:
  Evaluation(const EvalConfig& config, const TrainedRun& trained, size_t files)
      : config_(config),
        trained_(trained),
        sources_(parse_sources(trained.config.data)),
        figures_(files) {
    for (const Source& source : sources_)
      data_[source.name] = load_source(source, trained.config.train_images,
                                       trained.config.most_test_images(), kMnistFolder);
  }

  void add_file(size_t index, const std::string& path) {
    file_ = {index, path, io::read_safetensors(path)};
    found_ = weights_of(trained_, file_.contents, path);
    for (const auto& [name, own] :
         metadata_of(found_.weights, found_.network, found_.seed, data_)) {
      const auto made = file_.contents.metadata.find(name);
      if (made != file_.contents.metadata.end() && made->second != own)
        throw Mismatch(
            fmt::format("{}: {}: made with {}, but the run has {}", path, name, made->second, own));
    }
    if (config_.activation != "trained")
      found_.network.activation = unit_activation(config_.activation);
    result.seeds.push_back(int64_t(found_.seed));
    result.model = {{"hidden", found_.network.weights.hidden},
                    {"weights_hash", found_.weights.hash()}};
    bool any = false;
    masked_ = false;
    for (const std::string& task : trained_.config.tasks)
      any = add_task(parse_task(task, sources_)) || any;
    if (!any) throw DataError(path + ": found no b/TASK or s/TASK of the run's tasks");
  }

  void finish() {
    figures_.write(result);
    if (!variances_.rows.empty()) result.tables.emplace_back("task_variance", variances_);
    if (!config_.dump_tv.empty() && dumped_.empty())
      throw UsageError("--dump-tv: " + file_.path + " has no biases, only masks");
    if (!config_.dump_tv.empty()) dump_tv(config_.dump_tv, dumped_, all_tv_, all_biases_);
  }

  log::Facts data_facts() const { return facts_of(trained_.config, data_); }

  log::Result result;

 private:
  std::optional<TrainedTask> stored(Method method, const TaskName& task) const {
    return stored_task(file_.contents, file_.path, method, task, found_.network, found_.weights);
  }

  // Whether the file has something of the task.
  bool add_task(const TaskName& task) {
    const auto mask = stored(Method::kMask, task), bias = stored(Method::kBias, task);
    if (!mask && !bias) return false;
    Images images = data_.at(task.source).test;
    apply_view(images, task.view, found_.seed);
    if (trained_.config.solves()) {
      const at::Tensor small = shrunk(images, kNtkSide);
      images.pixels.assign(small.data_ptr<float>(), small.data_ptr<float>() + small.numel());
    }
    const auto z =
        preactivations_of(images, found_.weights, trained_.config.cache_bytes(), storage_);
    const std::vector<int64_t> labels = labels_of(images, task);
    for (const auto& [values, method] : {std::pair(&mask, Method::kMask), {&bias, Method::kBias}}) {
      if (!*values || !config_.wants("accuracy")) continue;
      const Score score = score_of(**values, found_.weights, *z, labels);
      const std::string at = task.name + "/" + kMethodNames[size_t(method)] + "/";
      figures_.set(at + "test_accuracy", file_.index, score.accuracy, true);
      figures_.set(at + "loss", file_.index, score.loss, false);
    }
    std::vector<double> mask_on;
    std::vector<std::string> mask_names;
    if (mask && config_.wants("on-units")) {
      if (!masked_) mask_names.push_back("mask/");  // the first task's
      masked_ = true;
      mask_names.push_back(task.name + "/mask/");
      const int64_t units = found_.network.units();
      for (int64_t i = 0; i < units; ++i) mask_on.push_back(mask->values[size_t(i)] > 0);
      const double on = std::count(mask_on.begin(), mask_on.end(), 1.0);
      for (const std::string& at : mask_names) {
        figures_.set(at + "on_units", file_.index, on);
        figures_.set(at + "on_fraction", file_.index, on / double(units));
      }
    }
    if (bias && (config_.wants("tv") || config_.wants("spearman") || config_.wants("on-units") ||
                 !config_.dump_tv.empty()))
      add_variances(task.name, *bias, task_variance(*bias, found_.weights, *z), mask_on,
                    mask_names);
    return true;
  }

  void add_variances(const std::string& task, const TrainedTask& bias,
                     const std::vector<double>& tv, const std::vector<double>& mask_on,
                     const std::vector<std::string>& mask_names) {
    const auto end_of_units = bias.values.begin() + int64_t(tv.size());
    if (config_.wants("spearman"))
      figures_.set(task + "/spearman", file_.index,
                   stats::rank_correlation({bias.values.begin(), end_of_units}, tv));
    if (config_.wants("on-units")) {
      std::vector<double> varies;
      for (const double v : tv) varies.push_back(v > kOnVariance);
      figures_.set(task + "/on_fraction", file_.index,
                   double(std::count(varies.begin(), varies.end(), 1.0)) / double(tv.size()));
      for (const std::string& at : mask_names)
        figures_.set(at + "corr_tv", file_.index, stats::correlation(mask_on, varies));
    }
    if (config_.wants("tv")) {
      std::vector<double> sorted = tv;
      std::sort(sorted.begin(), sorted.end());
      double sum = 0;
      for (const double v : tv) sum += v;
      variances_.rows.push_back(
          {int64_t(found_.seed), task, sum / double(tv.size()),
           0.5 * (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]), sorted.back(),
           int64_t(std::count(tv.begin(), tv.end(), 0.0))});
    }
    dumped_.push_back(task);
    all_tv_.insert(all_tv_.end(), tv.begin(), tv.end());
    all_biases_.insert(all_biases_.end(), bias.values.begin(), end_of_units);
  }

  const EvalConfig& config_;
  const TrainedRun& trained_;
  std::vector<Source> sources_;
  std::map<std::string, DataSet> data_;
  struct File {
    size_t index = 0;
    std::string path;
    io::SafeTensors contents;
  } file_;  // the newest
  Found found_;
  bool masked_ = false;
  at::Tensor storage_;  // of pre-activations
  SeedMetrics figures_;
  log::Table variances_{{"seed", "task", "mean", "median", "largest", "units_off"}, {}};
  std::vector<std::string> dumped_;
  std::vector<float> all_tv_, all_biases_;
};

}  // namespace

int evaluate(const EvalConfig& config, cli::Run& run) {
  if (subcommand_of(config.run) == "train-rnn") return evaluate_rnn(config, run);
  if (config.jacobian_steps || (!config.analysis.empty() && config.wants("jacobian")))
    throw UsageError(fmt::format("--{}: {} is a run of train-fnn, expected one of train-rnn",
                                 config.jacobian_steps ? "jacobian-steps" : "analysis jacobian",
                                 config.run));
  const TrainedRun trained = read_options<TrainFnnConfig>(config.run);
  const std::vector<std::string> paths = files_of(config, trained);
  if (!config.dump_tv.empty() && paths.size() > 1)
    throw UsageError("--dump-tv: needs --biases, one file of the run's several seeds");
  Evaluation evaluation(config, trained, paths.size());
  for (size_t f = 0; f < paths.size(); ++f) evaluation.add_file(f, paths[f]);
  evaluation.finish();
  evaluation.result.data = evaluation.data_facts();
  evaluation.result.data.emplace_back("biases", paths);
  run.emit(evaluation.result, "eval/1");
  return 0;
}

}  // namespace tenfold::bias_learning
