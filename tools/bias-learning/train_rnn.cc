// `train-rnn`: random recurrent networks of several seeds and gains learn one task.

#include "common/cli/loop_options.h"
#include "common/core/error.h"
#include "common/io/safetensors.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/rnn_report.h"
#include "tools/bias-learning/rnn_setup.h"

namespace tenfold::bias_learning {

int train_rnn(const TrainRnnConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device: train-rnn runs on the CPU in this version");
  if (!config.dump_target.empty()) {
    write_target(config);
    return 0;
  }
  const auto task = rnn_task(config);
  RnnProgram program(rnn_options(config, run.options().seed), task);
  const std::string weights_before = weights_hash(program.models());
  if (run.options().dry_run) {
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
  if (outcome.complete && !path.empty())
    io::write_safetensors(path, networks_of(config, program.models()));
  run.emit(result, "train-rnn/1");
  return outcome.exit_code;
}

}  // namespace tenfold::bias_learning
