// `train`: one translator a seed, and how the best of each translates the test part.

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "common/cli/loop_options.h"
#include "common/core/error.h"
#include "common/log/logger.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/report.h"
#include "tools/samba-align/stored_run.h"

namespace tenfold::samba_align {
namespace {

void add_training_metrics(log::Result& result, const TranslatorProgram& program,
                          const train::Outcome& outcome) {
  log::Metric steps, best;
  steps.value = double(outcome.steps);
  steps.unit = best.unit = "steps";
  double sum = 0;
  for (const TranslatorMember& m : program.members()) {
    sum += double(m.best_iteration);
    if (program.members().size() > 1) best.per_seed.emplace_back(double(m.best_iteration));
  }
  best.value = sum / double(program.members().size());
  result.metrics.emplace_back("steps", steps);
  result.metrics.emplace_back("best_iteration", best);
}

}  // namespace

int train(const TrainConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: samba-align computes on the CPU");
  const RecordingSet recordings = read_recordings(config.data, config.subjects);
  const Dataset dataset(recordings, dataset_options(config, recordings));
  const ModelSpec spec = model_spec(config, recordings);
  TranslatorProgram program(dataset, spec, config.training, run.options().seed);
  log::Result result;
  result.seeds = run.options().seed;
  result.data = data_facts(recordings, dataset);
  result.model = model_facts(*program.members()[0].model);
  if (run.options().dry_run) {
    run.emit(result, "train/1");
    return 0;
  }
  train::LoopOptions loop = cli::loop_options(run, config.iterations, "train");
  loop.context.arch_json = stored_arch(run.config_json(), spec);
  const train::Outcome outcome = train::run_loop(program, loop);
  result.complete = outcome.complete;
  result.stopped_by = outcome.stopped_by;

  const TranslateOptions options{config.training.true_first_frame, config.training.eval_dropout};
  std::vector<SeedTranslation> translations;
  std::vector<SeedModel> models;
  for (const TranslatorMember& m : program.members()) {
    const at::NoGradGuard guard;
    m.model->parameters().values().copy_(m.best);
    models.emplace_back(int64_t(m.seed), m.model.get());
    translations.push_back(
        {int64_t(m.seed), translate(*m.model, dataset, dataset.windows("test"), options)});
  }
  add_translation(result, translations);
  add_target_regions(result, recordings, spec);
  add_pairs(result, recordings, translations);
  add_learned(result, recordings, models, translations);
  add_training_metrics(result, program, outcome);
  add_history(result, program.members());
  run.emit(result, "train/1");
  return outcome.exit_code;
}

}  // namespace tenfold::samba_align
