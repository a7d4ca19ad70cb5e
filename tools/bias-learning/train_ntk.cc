// `train-fnn --solver ntk`: biases solved for in the linearised network, and what they are worth in
// the network itself.

#include <fmt/format.h>

#include <cmath>

#include "common/log/logger.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/ntk_solver.h"
#include "tools/bias-learning/report.h"

namespace tenfold::bias_learning {

int train_ntk(const TrainFnnConfig& config, cli::Run& run) {
  Network network = config.networks()[0];
  network.weights.inputs = kNtkSide * kNtkSide;
  network.output_bias = true;
  const int64_t tests = config.test_images == 0 ? kNtkTestImages : config.test_images;
  const std::vector<Source> sources = parse_sources(config.data);
  std::map<std::string, DataSet> data;
  for (const Source& source : sources)
    data[source.name] = load_source(source, config.train_images, tests, kMnistFolder);
  const std::vector<int64_t>& seeds = run.options().seed;
  log::Result result;
  result.data = facts_of(config, data);
  std::string hash;
  for (const std::string& name : config.tasks) {
    const TaskName task = parse_task(name, sources);
    std::vector<std::optional<double>> figures[4];
    for (const int64_t seed : seeds) {
      const auto key = uint64_t(seed);
      const RandomWeights weights = draw_weights(network.weights, key);
      if (hash.empty()) hash = weights.hash();
      const DataSet& set = data.at(task.source);
      Images train = first_of_each(set.train, task, kNtkPerClass), test = set.test;
      apply_view(train, task.view, key);
      apply_view(test, task.view, key);
      const NtkSolution s =
          solve_ntk(weights, task.classes(), shrunk(train, kNtkSide), labels_of(train, task),
                    shrunk(test, kNtkSide), labels_of(test, task));
      figures[0].emplace_back(s.train_accuracy);
      figures[1].emplace_back(s.test_accuracy);
      figures[2].emplace_back(s.network_accuracy);
      figures[3].emplace_back(s.largest_bias);
      log::info(
          fmt::format("{}, seed {}: linearised {:.3f} in training, {:.3f} in the test; the same "
                      "biases in the network itself {:.3f}",
                      name, seed, s.train_accuracy, s.test_accuracy, s.network_accuracy));
    }
    const std::string at = name + "/ntk/";
    result.metrics.emplace_back(at + "train_accuracy", metric_of(figures[0], true));
    result.metrics.emplace_back(at + "test_accuracy", metric_of(figures[1], true));
    result.metrics.emplace_back(at + "network_accuracy", metric_of(figures[2], true));
    result.metrics.emplace_back(at + "largest_bias", metric_of(figures[3], std::nullopt));
  }
  const int64_t classes = parse_task(config.tasks[0], sources).classes();
  result.model = {{"hidden", network.weights.hidden},
                  {"trained_params", trained_parameters(Method::kBias, network, classes)},
                  {"total_params", total_parameters(network, classes)},
                  {"output_bias", true},
                  {"preactivations", std::string("float32")},
                  {"weights_hash_start", hash},
                  {"weights_hash_end", hash}};
  run.emit(result, "train-fnn/1");
  return 0;
}

}  // namespace tenfold::bias_learning
