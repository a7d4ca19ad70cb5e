// `eval`: the measures of stored networks once more, or trials of a task as a file.

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/io/npz_writer.h"
#include "tools/rich-lazy/commands.h"
#include "tools/rich-lazy/report.h"
#include "tools/rich-lazy/stored_run.h"

namespace tenfold::rich_lazy {
namespace {

int dump_trials(const EvalConfig& config, cli::Run& run) {
  const Task task = task_of(config.task);
  Trials trials;
  draw_trials(task, Stream(uint64_t(run.options().seed[0]), "fresh/" + config.task), *config.trials,
              trials);
  if (!run.options().dry_run) {
    using io::DType;
    io::write_npz(config.dump_trials,
                  {{"x", DType::kF32, {trials.steps, trials.batch, trials.inputs}, trials.x.data()},
                   {"labels", DType::kI64, {trials.steps, trials.batch}, trials.labels.data()}});
  }
  log::Result result;
  result.data = {{"tasks", std::vector<std::string>{config.task}},
                 {"origin", std::string("generated")},
                 {"trials", *config.trials},
                 {"file", config.dump_trials}};
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace

int evaluate(const EvalConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: eval measures on the CPU");
  if (!config.dump_trials.empty()) return dump_trials(config, run);
  StoredRun stored = open_stored_run(config.run, config.data_dir);
  const std::vector<std::string>& tasks = stored.setting.config.task;
  const bool only_images = tasks == std::vector<std::string>{task_name(Task::kSequentialDigits)};
  if (only_images && config.ntk_trials)
    throw UsageError("--ntk-trials: found a run of sMNIST, whose kernel is of all trials");
  if (only_images && config.accuracy_trials > 0)
    throw UsageError("--accuracy-trials: found a run of sMNIST, which scores those held back");
  if (config.ntk_trials) {
    TrainConfig changed = stored.setting.config;
    changed.ntk_trials = *config.ntk_trials;
    stored.setting = stored_setting(changed, stored.setting.seeds, stored.setting.hidden);
  }
  log::Result result;
  add_facts(result, stored.setting);
  result.model.emplace_back("checkpoint", stored.checkpoint);
  if (!run.options().dry_run)
    add_models(result, stored.setting, stored.models, config.accuracy_trials);
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::rich_lazy
