// `train`: one decoder a seed on all recordings, evaluated on their test trials.

#include <fmt/format.h>

#include <algorithm>

#include "common/cli/loop_options.h"
#include "common/log/logger.h"
#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/decoder_program.h"
#include "tools/poyo-decode/recordings.h"
#include "tools/poyo-decode/report.h"
#include "tools/poyo-decode/stored_run.h"

namespace tenfold::poyo_decode {
namespace {

DecoderOptions options_of(const TrainConfig& c) {
  DecoderOptions o;
  o.model = c.model.spec;
  o.lamb.rule = c.optimizer == "sparselamb" ? Rule::kSparseLamb
                                            : (c.optimizer == "lamb" ? Rule::kLamb : Rule::kAdamW);
  o.lamb.weight_decay = c.weight_decay;
  o.schedule.decay_start = c.lr_decay_start;
  o.schedule.cycle_momentum = c.cycle_momentum;
  o.schedule.half_open = c.schedule == "half-cosine";
  o.max_lr = c.max_lr.value_or(c.base_lr * double(c.batch_size));
  o.embedding_lr_mult = c.embedding_lr_mult;
  o.batch_size = c.batch_size;
  o.query_stride = c.query_stride;
  o.eval_query_stride = c.eval_query_stride;
  o.sampling = sampling_of(c.train_windows);
  o.unit_dropout = parse_unit_dropout(c.unit_dropout);
  o.evaluate_validation = c.evaluate_validation;
  return o;
}

void warn_of_lost_seconds(const Dataset& dataset, const DecoderProgram& program) {
  for (size_t r = 0; r < dataset.parts.size(); ++r) {
    const double lost = program.members()[0].sampler->seconds_lost(int64_t(r));
    if (lost < kFitTolerance) continue;
    log::warning(fmt::format("{}: {:.1f} s of training intervals are shorter than a window",
                             dataset.parts[r].recording.session, lost));
  }
}

void add_metrics(log::Result& result, const DecoderProgram& program,
                 const train::Outcome& outcome) {
  log::Metric steps, skipped, speed;
  steps.value = double(outcome.steps);
  steps.unit = skipped.unit = "steps";
  int64_t tokens = 0, without_weight = 0;
  for (const DecoderMember& m : program.members()) {
    tokens += m.tokens;
    without_weight += m.skipped_steps;
  }
  skipped.value = double(without_weight);
  speed.unit = "tokens/s";
  speed.higher_is_better = true;
  if (outcome.elapsed_s > 0 && outcome.steps > 0) {
    speed.value = double(tokens) / outcome.elapsed_s;
  } else {
    speed.reason = "no step was taken";
  }
  result.metrics.emplace_back("steps", steps);
  result.metrics.emplace_back("skipped_steps", skipped);
  result.metrics.emplace_back("tokens_per_s", speed);
}

}  // namespace

int train(const TrainConfig& config, cli::Run& run) {
  DatasetOptions data;
  data.normalize_std = config.data.normalize_std;
  data.loss_weights = config.loss_weights;
  const Dataset dataset(load_recordings(config.data), data);
  DecoderProgram program(dataset, options_of(config), run.options().seed);
  const WindowSampler& sampler = *program.members()[0].sampler;
  const int64_t steps = config.steps.value_or(*config.epochs * sampler.steps_per_epoch());
  program.set_steps(steps);
  warn_of_lost_seconds(dataset, program);

  log::Result result;
  result.seeds = run.options().seed;
  result.data = data_facts(dataset);
  result.data.emplace_back("windows_per_epoch", sampler.windows_per_epoch());
  result.model = model_facts(*program.members()[0].model);
  if (run.options().dry_run) {
    run.emit(result, "train/1");
    return 0;
  }
  train::LoopOptions loop = cli::loop_options(run, steps, "train");
  loop.context.arch_json = stored_arch(run.config_json(), dataset);
  if (loop.eval_every == 0) loop.eval_every = std::max<int64_t>(1, steps / 20);
  const train::Outcome outcome = train::run_loop(program, loop);
  set_outcome(result, outcome);
  std::vector<SeedScores> scores;
  for (const DecoderMember& m : program.members())
    scores.emplace_back(int64_t(m.seed), program.scores(m, true));
  add_training_curves(result, program.members());
  add_scores(result, scores);
  add_metrics(result, program, outcome);
  run.emit(result, "train/1");
  return outcome.exit_code;
}

}  // namespace tenfold::poyo_decode
