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
#include "tools/bias-learning/report.h"
#include "tools/bias-learning/stored_options.h"
#include "tools/bias-learning/task_variance.h"

namespace tenfold::bias_learning {
namespace {

using TrainedRun = StoredOptions<TrainFnnConfig>;

struct Found {
  uint64_t seed;
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

// Values of one name, file by file.
class Figures {
 public:
  explicit Figures(size_t files) : files_(files) {}
  void set(const std::string& name, size_t file, std::optional<double> value,
           std::optional<bool> higher = std::nullopt) {
    auto found =
        std::find_if(all_.begin(), all_.end(), [&](const auto& f) { return f.name == name; });
    if (found == all_.end())
      found = all_.insert(all_.end(), {name, std::vector<std::optional<double>>(files_), higher});
    found->values[file] = value;
  }
  void write(log::Result& result) const {
    for (const One& f : all_) result.metrics.emplace_back(f.name, metric_of(f.values, f.higher));
  }

 private:
  struct One {
    std::string name;
    std::vector<std::optional<double>> values;
    std::optional<bool> higher;
  };
  size_t files_;
  std::vector<One> all_;
};

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

}  // namespace

int evaluate(const EvalConfig& config, cli::Run& run) {
  if (subcommand_of(config.run) == "train-rnn") return evaluate_rnn(config, run);
  const TrainedRun trained = read_options<TrainFnnConfig>(config.run);
  if (trained.config.solver == "ntk")
    throw UsageError("--run: biases that were solved for (--solver ntk) are not kept");
  const std::vector<std::string> paths = files_of(config, trained);
  if (!config.dump_tv.empty() && paths.size() > 1)
    throw UsageError("--dump-tv: needs --biases, one file of the run's several seeds");
  const std::vector<Source> sources = parse_sources(trained.config.data);
  std::map<std::string, Images> tests;
  for (const Source& source : sources)
    tests[source.name] =
        load_source(source, trained.config.train_images, trained.config.test_images, kMnistFolder)
            .test;
  log::Result result;
  Figures figures(paths.size());
  log::Table variances{{"seed", "task", "mean", "median", "largest", "units_off"}, {}};
  std::vector<std::string> dumped;
  std::vector<float> all_tv, all_biases;
  for (size_t f = 0; f < paths.size(); ++f) {
    const io::SafeTensors file = io::read_safetensors(paths[f]);
    auto [seed, network, weights] = weights_of(trained, file, paths[f]);
    if (config.activation != "trained") network.activation = unit_activation(config.activation);
    result.seeds.push_back(int64_t(seed));
    result.model = {{"hidden", network.weights.hidden}, {"weights_hash", weights.hash()}};
    bool any = false, masked = false;
    for (const std::string& name : trained.config.tasks) {
      const TaskName task = parse_task(name, sources);
      Images images = tests.at(task.source);
      apply_view(images, task.view, seed);
      const auto z = preactivations_of(images, weights, trained.config.cache_bytes());
      const auto scored = [&](const TrainedTask& stored, Method method) {
        any = true;
        if (!config.wants("accuracy")) return;
        const Score score = score_of(stored, weights, *z, labels_of(images, task));
        const std::string at = name + "/" + kMethodNames[size_t(method)] + "/";
        figures.set(at + "test_accuracy", f, score.accuracy, true);
        figures.set(at + "loss", f, score.loss, false);
      };
      std::vector<double> mask_on;  // of the first mask
      if (const auto mask = stored_task(file, paths[f], Method::kMask, task, network, weights)) {
        scored(*mask, Method::kMask);
        if (config.wants("on-units") && !masked) {
          masked = true;
          for (int64_t i = 0; i < network.units(); ++i)
            mask_on.push_back(mask->values[size_t(i)] > 0);
          const double on = std::count(mask_on.begin(), mask_on.end(), 1.0);
          figures.set("mask/on_units", f, on);
          figures.set("mask/on_fraction", f, on / double(network.units()));
        }
      }
      const auto bias = stored_task(file, paths[f], Method::kBias, task, network, weights);
      if (!bias) continue;
      scored(*bias, Method::kBias);
      if (!config.wants("tv") && !config.wants("spearman") && !config.wants("on-units") &&
          config.dump_tv.empty())
        continue;
      const std::vector<double> tv = task_variance(*bias, weights, *z);
      const auto end_of_units = bias->values.begin() + network.units();
      if (config.wants("spearman"))
        figures.set(name + "/spearman", f,
                    stats::rank_correlation({bias->values.begin(), end_of_units}, tv));
      if (config.wants("on-units")) {
        std::vector<double> varies;
        for (const double v : tv) varies.push_back(v > kOnVariance);
        figures.set(name + "/on_fraction", f,
                    double(std::count(varies.begin(), varies.end(), 1.0)) / double(tv.size()));
        if (!mask_on.empty()) figures.set("mask/corr_tv", f, stats::correlation(mask_on, varies));
      }
      if (config.wants("tv")) {
        std::vector<double> sorted = tv;
        std::sort(sorted.begin(), sorted.end());
        double sum = 0;
        for (const double v : tv) sum += v;
        variances.rows.push_back({int64_t(seed), name, sum / double(tv.size()),
                                  sorted[sorted.size() / 2], sorted.back(),
                                  int64_t(std::count(tv.begin(), tv.end(), 0.0))});
      }
      dumped.push_back(name);
      all_tv.insert(all_tv.end(), tv.begin(), tv.end());
      all_biases.insert(all_biases.end(), bias->values.begin(), end_of_units);
    }
    if (!any)
      throw DataError(fmt::format("{}: found no b/TASK or s/TASK of the run's tasks", paths[f]));
  }
  figures.write(result);
  result.data = {{"name", trained.config.data}, {"biases", paths}};
  if (!variances.rows.empty()) result.tables.emplace_back("task_variance", variances);
  if (!config.dump_tv.empty()) dump_tv(config.dump_tv, dumped, all_tv, all_biases);
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::bias_learning
