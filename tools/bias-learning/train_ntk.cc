// `train-fnn --solver ntk`: biases solved for in the linearised network, and what they are worth in
// the network itself.

#include <fmt/format.h>

#include <map>
#include <string>

#include "common/io/safetensors.h"
#include "common/log/logger.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/ntk_solver.h"
#include "tools/bias-learning/report.h"
#include "tools/bias-learning/seed_metrics.h"

namespace tenfold::bias_learning {
namespace {

io::Tensor stored(const std::vector<double>& values) {
  const std::vector<float> single(values.begin(), values.end());
  return io::Tensor::from_float32({int64_t(single.size())}, single.data());
}

}  // namespace

int train_ntk(const TrainFnnConfig& config, cli::Run& run) {
  const Network network = config.networks()[0];
  const std::vector<Source> sources = parse_sources(config.data);
  std::map<std::string, DataSet> data;
  for (const Source& source : sources)
    data[source.name] =
        load_source(source, config.train_images, config.most_test_images(), kMnistFolder);
  const std::vector<int64_t>& seeds = run.options().seed;
  log::Result result;
  SeedMetrics metrics(seeds.size());
  result.data = facts_of(config, data);
  std::string hash;
  std::vector<io::SafeTensors> biases(seeds.size());
  for (const std::string& name : config.tasks) {
    const TaskName task = parse_task(name, sources);
    for (size_t index = 0; index < seeds.size(); ++index) {
      const int64_t seed = seeds[index];
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
      io::SafeTensors& file = biases[index];
      if (file.metadata.empty()) file.metadata = metadata_of(weights, network, key, data);
      file.tensors["b/" + name] = stored(s.bias);
      file.tensors["c/bias/" + name] = stored(s.output_bias);
      metrics.set(name + "/ntk/train_accuracy", index, s.train_accuracy, true);
      metrics.set(name + "/ntk/test_accuracy", index, s.test_accuracy, true);
      metrics.set(name + "/ntk/network_accuracy", index, s.network_accuracy, true);
      metrics.set(name + "/ntk/largest_bias", index, s.largest_bias);
      log::info(
          fmt::format("{}, seed {}: linearised {:.3f} in training, {:.3f} in the test; the same "
                      "biases in the network itself {:.3f}",
                      name, seed, s.train_accuracy, s.test_accuracy, s.network_accuracy));
    }
  }
  for (size_t index = 0; index < seeds.size(); ++index) {
    const std::string path = run.path(biases_file(config, seeds, 0, index));
    if (!path.empty()) io::write_safetensors(path, biases[index]);
  }
  metrics.write(result);
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
