// `train`: networks from initial weights of every rank, and how much each changed.

#include <fmt/format.h>

#include <optional>

#include "common/cli/loop_options.h"
#include "common/core/error.h"
#include "common/log/logger.h"
#include "common/nn/torch_device.h"
#include "tools/rich-lazy/commands.h"
#include "tools/rich-lazy/report.h"
#include "tools/rich-lazy/stored_run.h"

namespace tenfold::rich_lazy {
namespace {

void warn_of_divergence(const std::vector<Model>& models) {
  for (const Model& m : models) {
    if (m.diverged_at < 0) continue;
    log::warning(fmt::format("{}: the loss is not finite at iteration {}; it stopped there",
                             m.key.name(), m.diverged_at));
  }
}

}  // namespace

int train(const TrainConfig& config, cli::Run& run) {
  const Setting setting = read_setting(config, run.options().seed);
  std::optional<at::Device> device;
  if (run.device().cuda) device = nn::torch_device(run.device());
  if (setting.connectome)
    for (const std::string& note : setting.connectome->notes) log::warning(note);
  Ensemble ensemble(setting, device);
  log::Result result;
  add_facts(result, setting);
  if (run.options().dry_run) {
    run.emit(result, "train/1");
    return 0;
  }
  train::LoopOptions loop = cli::loop_options(run, config.iters, "train");
  if (loop.eval_every == 0)
    loop.eval_every = config.measure_every > 0 ? config.measure_every : 10 * config.log_every;
  loop.context.arch_json = stored_arch(run.config_json(), setting);
  const train::Outcome outcome = train::run_loop(ensemble, loop);
  ensemble.settle();
  result.complete = outcome.complete;
  result.stopped_by = outcome.stopped_by;
  warn_of_divergence(ensemble.models());
  add_models(result, setting, ensemble.models(), config.accuracy_trials);
  log::Metric seconds;
  seconds.value = outcome.elapsed_s;
  seconds.unit = "s";
  result.metrics.emplace_back("seconds_train", seconds);
  if (!ensemble.all_diverged()) {
    run.emit(result, "train/1");
    return outcome.exit_code;
  }
  result.complete = false;
  result.stopped_by = "nan";
  run.emit(result, "train/1");
  log::error(
      fmt::format("found no finite loss in any of {} models, expected one; try a smaller "
                  "--gain or --lr",
                  ensemble.models().size()));
  return int(ExitCode::kNumeric);
}

}  // namespace tenfold::rich_lazy
