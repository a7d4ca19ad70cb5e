// `eval` of a train-rnn run: its networks again on their task.

#include "common/core/error.h"
#include "common/io/file.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/jacobian.h"
#include "tools/bias-learning/rnn_report.h"
#include "tools/bias-learning/rnn_setup.h"
#include "tools/bias-learning/stored_options.h"

namespace tenfold::bias_learning {

int evaluate_rnn(const EvalConfig& config, cli::Run& run) {
  const auto stored = read_options<TrainRnnConfig>(config.run);
  const std::string path = config.run + "/" + kNetworksFile;
  if (!io::exists(path))
    throw MissingInput(path + ": found none, expected a train-rnn run that came to its end");
  const auto task = rnn_task(stored.config);
  Trials first;
  task->trials(0, 0, first);
  const int64_t steps = config.jacobian_steps.value_or(stored.config.jacobian_steps);
  require_steps(first, steps);
  const std::vector<RnnModel> models = models_from(stored.config, stored.seeds, task, path);
  log::Result result = rnn_result(stored.config, *task, models, steps);
  result.seeds = stored.seeds;
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::bias_learning
