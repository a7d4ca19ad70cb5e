// `eval` of a train-rnn run: its networks again on their task.

#include <fmt/format.h>

#include "common/core/error.h"
#include "common/io/file.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/jacobian.h"
#include "tools/bias-learning/rnn_report.h"
#include "tools/bias-learning/rnn_setup.h"
#include "tools/bias-learning/stored_options.h"

namespace tenfold::bias_learning {

int evaluate_rnn(const EvalConfig& config, cli::Run& run) {
  const auto refuse = [&](const char* option, bool given) {
    if (given)
      throw UsageError(fmt::format("--{}: {} is a run of train-rnn, expected one of train-fnn",
                                   option, config.run));
  };
  refuse("biases", !config.biases.empty());
  refuse("dump-tv", !config.dump_tv.empty());
  refuse("activation", config.activation != "trained");
  for (const std::string& figure : config.analysis)
    refuse(("analysis " + figure).c_str(), figure != "accuracy" && figure != "jacobian");
  const auto stored = read_options<TrainRnnConfig>(config.run);
  const std::string path = config.run + "/" + kNetworksFile;
  if (!io::exists(path))
    throw MissingInput(path + ": found none, expected a train-rnn run that came to its end");
  const auto task = rnn_task(stored.config);
  Trials first;
  task->trials(0, 0, first);
  const int64_t steps =
      config.wants("jacobian") ? config.jacobian_steps.value_or(stored.config.jacobian_steps) : 0;
  require_steps(first, steps);
  const std::vector<RnnModel> models = models_from(stored.config, stored.seeds, task, path);
  log::Result result = rnn_result(stored.config, *task, models, steps);
  result.seeds = stored.seeds;
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::bias_learning
