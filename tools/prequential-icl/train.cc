// `train`: meta-trains one learner a seed and evaluates it.

#include <fmt/format.h>

#include <cstdlib>

#include "common/cli/loop_options.h"
#include "common/core/error.h"
#include "common/log/logger.h"
#include "common/nn/torch_device.h"
#include "tools/prequential-icl/commands.h"
#include "tools/prequential-icl/learner_program.h"
#include "tools/prequential-icl/model_options.h"
#include "tools/prequential-icl/report.h"

namespace tenfold::prequential_icl {
namespace {

constexpr int64_t kTasksOfPartialResult = 64;

log::Result result_of(const TrainConfig& config, const LearnerProgram& program,
                      const cli::Run& run) {
  log::Result result;
  result.seeds = run.options().seed;
  result.data = data_facts(program.members()[0].source);
  result.model = model_facts(*program.members()[0].learner);
  result.model.emplace_back("objective", config.objective);
  return result;
}

void add_training_curves(log::Result& result, const LearnerProgram& program) {
  const std::vector<LearnerMember>& members = program.members();
  result.series.emplace_back("train_curve", training_series(mean_curve(members)));
  if (members.size() == 1) return;
  for (const LearnerMember& m : members)
    result.series.emplace_back(fmt::format("train_curve/{}", m.seed), training_series(m.curve));
}

void add_metrics(log::Result& result, const LearnerProgram& program,
                 const train::Outcome& outcome) {
  log::Metric steps, speed;
  steps.value = double(outcome.steps);
  steps.unit = "steps";
  speed.unit = "points/s";
  speed.higher_is_better = true;
  const double tokens = double(outcome.steps) / double(program.steps_per_epoch()) *
                        double(program.tokens_per_epoch());
  if (outcome.elapsed_s > 0 && outcome.steps > 0) {
    speed.value = tokens / outcome.elapsed_s;
  } else {
    speed.reason = "no step was taken";
  }
  result.metrics.emplace_back("steps", steps);
  result.metrics.emplace_back("tokens_per_s", speed);
}

void tell(const CurveReport& report) {
  const Evaluation& e = report.curves[0].evaluation;
  const char* unit = report.kind == DataKind::kRegression ? "(sum of squared errors)" : "nats";
  std::string text;
  for (int64_t c : {1, 2, 5, 10, 20, 50, 100}) {
    if (c < e.contexts.first || c > e.contexts.last) continue;
    text += fmt::format(" {}: {:.4g}", c, e.next.mean[size_t(c - e.contexts.first)]);
  }
  const std::string whose =
      report.curves.size() > 1 ? fmt::format("seed {}: ", report.curves[0].seed) : "";
  log::info(fmt::format("{}next-point loss by context length{}; code length {:.4g} {}", whose, text,
                        e.code_length(), unit));
}

}  // namespace

int train(const TrainConfig& config, cli::Run& run) {
  LearnerProgram program(config.task, learner_options(config), run.options().seed,
                         nn::torch_device(run.device()));
  if (run.options().dry_run) {
    run.emit(result_of(config, program, run), "train/1");
    return 0;
  }
  require_contexts(config.contexts, program.contexts());
  const int64_t steps = config.steps.value_or(*config.epochs * program.steps_per_epoch());
  if (config.task.n_tasks && *config.task.n_tasks < config.batch_size) {
    log::warning(fmt::format("--n-tasks {} is less than --batch-size {}: every step sees all tasks",
                             *config.task.n_tasks, config.batch_size));
  }
  train::LoopOptions loop = cli::loop_options(run, steps, "train");
  loop.context.arch_json = stored_arch(run.config_json(), program.shape());
  if (loop.eval_every == 0) loop.eval_every = program.steps_per_epoch();
  if (run.device().cuda) loop.check_every = 20;  // reading a loss waits for the device
  const train::Outcome outcome = train::run_loop(program, loop);

  log::Result result = result_of(config, program, run);
  set_outcome(result, outcome);
  CurveReport report;
  report.kind = program.shape().kind;
  report.contexts = config.contexts;
  report.sigma = config.sigma;
  // Who stopped the run waits for its end.
  const int64_t tasks = outcome.complete ? 0 : kTasksOfPartialResult;
  for (const LearnerMember& m : program.members())
    report.curves.push_back({int64_t(m.seed), program.evaluation(m, tasks), {}});
  add_training_curves(result, program);
  add_curves(result, report);
  add_metrics(result, program, outcome);
  // The paper's curves are those of its own sizes.
  if (!config.task.small && config.task.data.empty()) {
    result.published = published_curve(config.task.task,
                                       config.objective == "train" ? "train" : config.model.arch);
  }
  tell(report);
  run.emit(result, "train/1");
  return outcome.exit_code;
}

}  // namespace tenfold::prequential_icl
