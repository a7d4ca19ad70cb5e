// `eval`: stored biases and masks on the weights and test images of a train-fnn run (of a train-rnn
// run: eval_rnn.cc).

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "common/core/error.h"
#include "common/io/safetensors.h"
#include "common/stats/correlation.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/feedforward_program.h"
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

void add(log::Result& result, const std::string& name, std::optional<double> value,
         std::optional<bool> higher) {
  log::Metric metric;
  metric.value = value;
  if (!value) metric.reason = "one of the two does not vary";
  metric.higher_is_better = higher;
  result.metrics.emplace_back(name, metric);
}

}  // namespace

int evaluate(const EvalConfig& config, cli::Run& run) {
  if (subcommand_of(config.run) == "train-rnn") return evaluate_rnn(config, run);
  const TrainedRun trained = read_options<TrainFnnConfig>(config.run);
  const std::string path =
      config.biases.empty() ? config.run + "/biases.safetensors" : config.biases;
  const io::SafeTensors file = io::read_safetensors(path);
  const auto [seed, network, weights] = weights_of(trained, file, path);
  const int64_t units = network.units();
  const std::vector<Source> sources = parse_sources(trained.config.data);
  log::Result result;
  result.seeds = {int64_t(seed)};
  result.data = {{"name", trained.config.data}, {"biases", path}};
  result.model = {{"hidden", network.weights.hidden}, {"weights_hash", weights.hash()}};
  for (const std::string& name : trained.config.tasks) {
    const TaskName task = parse_task(name, sources);
    const auto source = std::find_if(sources.begin(), sources.end(),
                                     [&](const Source& s) { return s.name == task.source; });
    Images images =
        load_source(*source, trained.config.train_images, trained.config.test_images, kMnistFolder)
            .test;
    apply_view(images, task.view, seed);
    const auto z = preactivations_of(images, weights, trained.config.cache_bytes());
    for (const Method method : {Method::kBias, Method::kMask}) {
      const std::string key = (method == Method::kBias ? "b/" : "s/") + name;
      if (!file.has(key)) continue;
      TrainedTask stored(method, network, task.classes(), weights, seed);
      const std::vector<float> values = file.at(key, path).to_float32(key);
      if (int64_t(values.size()) != units)
        throw Mismatch(
            fmt::format("{}: {} has {} units, expected {}", path, key, values.size(), units));
      std::copy(values.begin(), values.end(), stored.values.begin());
      if (network.output_bias) {
        const std::string c = "c/" + kMethodNames[size_t(method)] + "/" + name;
        const std::vector<float> of_outputs = file.at(c, path).to_float32(c);
        if (int64_t(of_outputs.size()) != task.classes())
          throw Mismatch(fmt::format("{}: {} has {} outputs, expected {}", path, c,
                                     of_outputs.size(), task.classes()));
        std::copy(of_outputs.begin(), of_outputs.end(), stored.values.begin() + units);
      }
      const Score score = score_of(stored, weights, *z, labels_of(images, task));
      const std::string at = name + "/" + kMethodNames[size_t(method)] + "/";
      add(result, at + "test_accuracy", score.accuracy, true);
      add(result, at + "loss", score.loss, false);
      if (method == Method::kMask) continue;
      const std::vector<double> tv = task_variance(stored, weights, *z);
      add(result, name + "/spearman", stats::rank_correlation({values.begin(), values.end()}, tv),
          std::nullopt);
    }
  }
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::bias_learning
