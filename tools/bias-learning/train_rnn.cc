// `train-rnn`: random recurrent networks of several seeds and gains learn one task.

#include <fmt/format.h>

#include "common/cli/loop_options.h"
#include "common/core/error.h"
#include "common/core/stop.h"
#include "common/io/safetensors.h"
#include "common/log/logger.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/jacobian.h"
#include "tools/bias-learning/rnn_report.h"
#include "tools/bias-learning/rnn_setup.h"

namespace tenfold::bias_learning {

int train_rnn(const TrainRnnConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device: train-rnn runs on the CPU in this version");
  const auto task = rnn_task(config);
  RnnProgram program(rnn_options(config, run.options().seed), task);
  Trials first;
  task->trials(0, 0, first);
  require_steps(first, config.jacobian_steps);
  const std::string weights_before = weights_hash(program.models());
  if (!config.dump_target.empty()) write_target(config);
  if (run.options().dry_run || !config.dump_target.empty()) {
    log::Result facts = rnn_facts(config, *task, program.models());
    facts.model.emplace_back("weights_hash_start", weights_before);
    run.emit(facts, "train-rnn/1");
    return 0;
  }
  const train::Outcome outcome =
      train::run_loop(program, cli::loop_options(run, config.iters, "train-rnn"));
  // Eigenvalues of large networks take minutes, which a run that was stopped does not have.
  log::Result result =
      rnn_result(config, *task, program.models(), outcome.complete ? config.jacobian_steps : 0);
  result.complete = outcome.complete;
  result.stopped_by = outcome.stopped_by;
  int code = outcome.exit_code;
  if (outcome.complete && stop_requested() != StopReason::kNone) {  // between eigenvalues
    result.complete = false;
    result.stopped_by = "signal";
    code = int(stop_requested() == StopReason::kCtrlC ? ExitCode::kCtrlC : ExitCode::kInterrupted);
  }
  if (program.all_diverged()) {
    result.complete = false;
    result.stopped_by = "nan";
    code = int(ExitCode::kNumeric);
    log::error(fmt::format(
        "found no finite loss in any of {} networks (iteration {}), expected one; try a smaller "
        "--gain or --lr",
        program.models().size(), program.models()[0].diverged_at));
  }
  result.model.emplace_back("weights_hash_start", weights_before);
  if (program.seconds_trained() > 0) {
    log::Metric speed;
    speed.value =
        double(outcome.steps) * double(program.models().size()) / program.seconds_trained();
    speed.unit = "network iterations/s";
    speed.higher_is_better = true;
    result.metrics.emplace_back("iterations_per_second", speed);
  }
  const std::string path = run.path(kNetworksFile);
  if (result.complete && !path.empty())
    io::write_safetensors(path, networks_of(config, program.models()));
  run.emit(result, "train-rnn/1");
  return code;
}

}  // namespace tenfold::bias_learning
