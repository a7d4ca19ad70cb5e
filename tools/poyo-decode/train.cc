// `train`: one decoder a seed (and number of labelled trials) on all recordings, evaluated on their
// test trials.

#include <fmt/format.h>

#include <memory>

#include "common/core/error.h"
#include "common/log/logger.h"
#include "common/nn/torch_device.h"
#include "common/train/data_parallel.h"
#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/recordings.h"
#include "tools/poyo-decode/stored_run.h"
#include "tools/poyo-decode/training_run.h"

namespace tenfold::poyo_decode {
namespace {

// The decoder with most labels is the seed's model; the others stand beside it.
std::vector<MemberPlan> plans_of(const TrainConfig& c, const Dataset& dataset,
                                 const std::vector<int64_t>& seeds, at::Device device) {
  const std::vector<int64_t> numbers = c.few_shot.numbers();
  std::vector<MemberPlan> plans;
  for (int64_t seed : seeds) {
    for (int64_t trials : numbers) {
      MemberPlan& p = plans.emplace_back();
      p.name = fmt::format("{}", seed);
      if (trials != numbers.back()) p.name += "/trials-" + trials_text(trials);
      p.seed = uint64_t(seed);
      p.labels = {trials, trial_order(c.few_shot)};
      p.max_lr = c.training.highest_lr();
      p.embedding_lr_mult = c.training.embedding_lr_mult;
      p.model = std::make_unique<Model>(c.model.spec, dataset.units.size(), dataset.sessions.size(),
                                        p.seed, device);
    }
  }
  return plans;
}

constexpr double kPeerSeconds = 600;  // without another process's part of a step

// Null where this process trains alone.
std::unique_ptr<train::DataParallelGroup> join_group(const TrainConfig& c, const Device& device) {
  if (!c.data_parallel) return nullptr;
  const train::Ranks ranks = train::ranks_of_environment();
  if (ranks.world == 1) {
    log::info("--data-parallel: neither torchrun nor SLURM names other processes; training alone");
    return nullptr;
  }
  if (c.training.batch_size < ranks.world) {
    throw UsageError(
        fmt::format("--batch-size: found {}, expected at least one window for each of "
                    "the {} processes",
                    c.training.batch_size, ranks.world));
  }
  return std::make_unique<train::DataParallelGroup>(ranks, nn::torch_device(device), kPeerSeconds);
}

}  // namespace

int train(const TrainConfig& config, cli::Run& run) {
  const Dataset dataset(binned(load_recordings(config.data), config.bin_spikes),
                        dataset_options(config.data, config.training.loss_weights));
  const std::vector<int64_t>& seeds = run.options().seed;
  const at::Device device = nn::torch_device(run.device());
  const std::unique_ptr<train::DataParallelGroup> group =
      run.options().dry_run ? nullptr : join_group(config, run.device());
  DecoderOptions options = decoder_options(config.model.spec, config.training, device);
  options.group = group.get();
  DecoderProgram program(dataset, options, plans_of(config, dataset, seeds, device));
  const int64_t steps =
      config.training.steps.value_or(*config.training.epochs * program.steps_per_epoch());
  program.set_steps(steps);
  warn_of_missing_trials(dataset, config.few_shot.numbers());
  warn_of_what_looks_wrong(dataset, program, config.model.spec, config.training.query_stride);

  log::Result result;
  result.seeds = seeds;
  result.data = data_facts(dataset);
  result.data.emplace_back("windows_per_epoch",
                           program.members().back().sampler->windows_per_epoch());
  result.model = model_facts(*program.members().back().model);
  if (run.options().dry_run) {
    run.emit(result, "train/1");
    return 0;
  }
  const train::Outcome outcome =
      run_program(program, run, steps, "train", stored_arch(run.config_json(), dataset));
  if (!run.writes()) return outcome.exit_code;
  set_outcome(result, outcome);
  const auto scores = test_scores(program);
  std::vector<SeedScores> of_models;
  FewShotCurve curve;
  for (size_t i = 0; i < scores.size(); ++i) {
    const DecoderMember& m = program.members()[i];
    if (m.name == fmt::format("{}", m.seed)) of_models.emplace_back(int64_t(m.seed), scores[i]);
    curve.push_back({"scratch", int64_t(m.seed), m.labels.trials,
                     trials_used(dataset, m.labels, m.seed), scores[i]});
  }
  add_training_curves(result, program.members());
  add_scores(result, of_models);
  if (config.few_shot.numbers().size() > 1) add_few_shot(result, curve);
  add_training_metrics(result, program, outcome);
  run.emit(result, "train/1");
  return outcome.exit_code;
}

}  // namespace tenfold::poyo_decode
