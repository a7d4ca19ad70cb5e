// `train-fnn`: several image tasks, methods and seeds on one set of random weights each.

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "common/cli/loop_options.h"
#include "common/core/error.h"
#include "common/io/safetensors.h"
#include "common/log/logger.h"
#include "common/train/loop.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/report.h"

namespace tenfold::bias_learning {
namespace {

void tell(const log::Result& result, const std::vector<std::string>& tasks) {
  for (const auto& [name, metric] : result.metrics)
    if (metric.value && name.find("/test_accuracy") != std::string::npos)
      log::info(fmt::format("{}: {:.3f}", name, *metric.value));
  const auto value = [&](const std::string& wanted) {
    for (const auto& [name, metric] : result.metrics)
      if (name == wanted) return metric.value.value_or(0);
    return 0.0;
  };
  for (const std::string& task : tasks) {
    const double by_bias = value(task + "/bias/test_accuracy");
    if (by_bias > 0 && value(task + "/readout/test_accuracy") > by_bias)
      log::info(
          fmt::format("{}: training the readout alone is better than training the biases", task));
  }
  for (const auto& published : result.published) {
    for (const auto& [name, metric] : result.metrics)
      if (name == published.metric && metric.value)
        log::info(fmt::format("{}: {:.3f} (published {:g})", name, *metric.value,
                              std::get<double>(published.value)));
  }
}

// Every trained method but the output biases could at least have switched its units off.
void warn_of_guessing(const FeedforwardProgram& program) {
  constexpr double kMargin = 1.05;
  for (const Job& job : program.jobs()) {
    if (job.method == Method::kOutputBias || !job.begun()) continue;
    for (size_t t = 0; t < job.tasks.size(); ++t) {
      const double guessing = std::log(double(job.tasks[t].classes())), last = job.losses[t].back();
      if (last <= kMargin * guessing) continue;
      log::warning(fmt::format(
          "{}, seed {}: the loss of the last epoch, {:.3g}, is above that of guessing, {:.3g}; "
          "a smaller --lr or more epochs may help",
          job.name(t), job.seed, last, guessing));
    }
  }
}

// Of the first network's weights of the first seed.
std::string weights_hash(FeedforwardProgram& program, const FeedforwardOptions& options) {
  return program.weights_of(options.networks[0], options.seeds[0]).hash();
}

// The same after training: that of B and A as the first method that trains them has left them for
// its first task, if one does.
std::string trained_weights_hash(FeedforwardProgram& program, const FeedforwardOptions& options) {
  for (const Job& job : program.jobs())
    if (job.asked == 0 && job.seed_index == 0 &&
        (job.method == Method::kFull || job.method == Method::kReadout))
      return job.trained[0].trained_weights(program.weights(job)).hash();
  return weights_hash(program, options);
}

}  // namespace

int train_fnn(const TrainFnnConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device: train-fnn runs on the CPU in this version");
  if (config.solves()) return train_ntk(config, run);
  std::map<std::string, DataSet> data;
  FeedforwardOptions options;
  const std::vector<Source> sources = parse_sources(config.data);
  for (const std::string& task : config.tasks) options.tasks.push_back(parse_task(task, sources));
  for (const Source& source : sources)
    data[source.name] = load_source(source, config.train_images, config.test_images, kMnistFolder);
  options.networks = config.networks();
  for (size_t n = 0; n < options.networks.size(); ++n)
    if (!config.label(n).empty()) options.labels.push_back(config.label(n));
  for (const int64_t seed : run.options().seed) options.seeds.push_back(uint64_t(seed));
  options.methods = config.train;
  options.first_method_only = config.first_method_only;
  options.epochs = config.epochs;
  options.full_epochs = config.full_epochs.value_or(config.epochs);
  options.batch = config.batch;
  options.cache_bytes = config.cache_bytes();
  options.rate = config.lr.value_or(0);

  FeedforwardProgram program(options, data);
  if (config.output_bias)
    log::info("a bias of the outputs is trained beside what --train names (--output-bias)");
  const std::string weights_before = weights_hash(program, options);
  train::Outcome outcome;
  const bool dry = run.options().dry_run;
  if (program.total_steps() > 0 && !dry) {
    train::LoopOptions loop = cli::loop_options(run, program.total_steps(), "train-fnn");
    for (const auto& [name, set] : data)
      for (const auto& [file, digest] : set.digests)
        loop.context.fields.emplace_back(fmt::format("data {}: {}", name, file), digest);
    outcome = train::run_loop(program, loop);
  }
  log::Result result = fnn_result(program, config, data, outcome);
  result.model.emplace_back("weights_hash_start", weights_before);
  result.model.emplace_back("weights_hash_end", trained_weights_hash(program, options));
  for (size_t n = 0; n < options.networks.size() && outcome.complete && !dry; ++n) {
    for (size_t s = 0; s < options.seeds.size(); ++s) {
      const std::string path = run.path(biases_file(config, run.options().seed, n, s));
      if (path.empty()) continue;
      const io::SafeTensors biases = biases_of(program, config, n, s);
      if (!biases.tensors.empty()) io::write_safetensors(path, biases);
    }
  }
  tell(result, config.tasks);
  warn_of_guessing(program);
  run.emit(result, "train-fnn/1");
  return outcome.exit_code;
}

}  // namespace tenfold::bias_learning
