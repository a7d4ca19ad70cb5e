#include "tools/poyo-decode/training_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/cli/loop_options.h"
#include "common/log/logger.h"
#include "tools/poyo-decode/spike_controls.h"

namespace tenfold::poyo_decode {

DecoderOptions decoder_options(const ModelSpec& model, const TrainingConfig& c, at::Device device) {
  DecoderOptions o;
  o.device = device;
  o.model = model;
  o.lamb.rule = c.optimizer == "sparselamb" ? Rule::kSparseLamb
                                            : (c.optimizer == "lamb" ? Rule::kLamb : Rule::kAdamW);
  o.lamb.weight_decay = c.weight_decay;
  o.schedule.decay_start = c.lr_decay_start;
  o.schedule.cycle_momentum = c.cycle_momentum;
  o.schedule.half_open = c.schedule == "half-cosine";
  o.batch_size = c.batch_size;
  o.micro_batch = c.micro_batch;
  o.query_stride = c.query_stride;
  o.eval_query_stride = c.eval_query_stride;
  o.sampling = sampling_of(c.train_windows);
  o.unit_dropout = parse_unit_dropout(c.unit_dropout);
  o.time_scaling = parse_time_scaling(c.time_scaling);
  o.evaluate_validation = c.evaluate_validation;
  return o;
}

TrialOrder trial_order(const FewShotConfig& config) {
  return config.trial_order == "random" ? TrialOrder::kRandom : TrialOrder::kTime;
}

std::vector<Recording> binned(std::vector<Recording> recordings, double width) {
  SpikeControls controls;
  controls.bin = width / 1e3;
  for (Recording& r : recordings) apply(controls, r);
  return recordings;
}

std::string trials_text(int64_t count) {
  return count == kAllTrials ? "all" : fmt::format("{}", count);
}

namespace {

constexpr double kManyQueries = 300, kEnoughQueries = 100;  // a window

void warn_of_lost_seconds(const Dataset& dataset, const DecoderProgram& program) {
  for (size_t r = 0; r < dataset.parts.size(); ++r) {
    const double lost = program.members().back().sampler->seconds_lost(int64_t(r));
    if (lost < kFitTolerance) continue;
    log::warning(fmt::format("{}: {:.1f} s of training intervals are shorter than a window",
                             dataset.parts[r].recording.session, lost));
  }
}

void warn_where_nothing_is_scored(const Dataset& dataset, const ModelSpec& spec) {
  for (const Session& s : dataset.parts) {
    if (!evaluation_windows(s.recording.test_domain, spec.window).starts.empty()) continue;
    log::warning(fmt::format("{}: no test interval fits a window of {} s, so nothing is scored",
                             s.recording.session, spec.window));
  }
}

void warn_of_the_grid(const ModelSpec& spec) {
  const double steps = spec.window / spec.latent_step;
  if (std::abs(steps - std::round(steps)) < 1e-6) return;
  log::warning(
      fmt::format("--window {} is no multiple of --latent-step {}: the last latents reach "
                  "beyond the window",
                  spec.window, spec.latent_step));
}

// Each sample of a window is a query; many cost time and tell the model little.
void warn_of_many_queries(const Dataset& dataset, const ModelSpec& spec, int64_t query_stride) {
  for (const Session& s : dataset.parts) {
    const double seconds = total_length(s.recording.domain);
    const double queries = double(s.recording.samples()) / std::max(seconds, 1e-9) * spec.window /
                           double(query_stride);
    if (queries <= kManyQueries) continue;
    log::warning(fmt::format("{}: a window has {:.0f} samples of {}; --query-stride {} would do",
                             s.recording.session, queries, s.recording.readout,
                             int64_t(std::ceil(queries / kEnoughQueries)) * query_stride));
  }
}

}  // namespace

void warn_of_what_looks_wrong(const Dataset& dataset, const DecoderProgram& program,
                              const ModelSpec& spec, int64_t query_stride) {
  warn_of_lost_seconds(dataset, program);
  warn_of_many_queries(dataset, spec, query_stride);
  warn_of_the_grid(spec);
  warn_where_nothing_is_scored(dataset, spec);
}

train::Outcome run_program(DecoderProgram& program, const cli::Run& run, int64_t steps,
                           const std::string& label, const std::string& arch_json) {
  train::LoopOptions loop = cli::loop_options(run, steps, label);
  loop.context.arch_json = arch_json;
  if (loop.eval_every == 0) loop.eval_every = std::max<int64_t>(1, steps / 20);
  // Reading a loss waits for the device, or for the other processes.
  train::DataParallelGroup* group = program.group();
  if (run.device().cuda || group != nullptr) loop.check_every = 20;
  if (group != nullptr) {
    loop.context.world_size = group->ranks().world;
    loop.stop_together = [group](int64_t done, bool wanted) {
      return group->any_wants_to_stop(done, wanted);
    };
  }
  return train::run_loop(program, loop);
}

std::vector<std::vector<SessionScore>> test_scores(const DecoderProgram& program) {
  std::vector<std::vector<SessionScore>> scores;
  for (const DecoderMember& m : program.members()) scores.push_back(program.scores(m, true));
  return scores;
}

int64_t trials_used(const Dataset& dataset, const Labels& labels, uint64_t seed) {
  int64_t used = 0;
  for (const Session& s : dataset.parts)
    used += int64_t(labelled_trials(s.recording, labels.trials, labels.order, seed).size());
  return used;
}

void add_training_metrics(log::Result& result, const DecoderProgram& program,
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

}  // namespace tenfold::poyo_decode
