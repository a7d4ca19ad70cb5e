// `finetune` and `identify`: a trained decoder meets new sessions, with few or all of their
// labelled trials, beside decoders from scratch on the same trials (specification, sections 4, 5
// and 8).

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <fmt/format.h>

#include <algorithm>

#include "common/core/error.h"
#include "common/log/logger.h"
#include "common/nn/torch_device.h"
#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/linear_decoders.h"
#include "tools/poyo-decode/recordings.h"
#include "tools/poyo-decode/stored_run.h"
#include "tools/poyo-decode/training_run.h"

namespace tenfold::poyo_decode {
namespace {

// identify: never unfrozen; finetune: later, or from the start.
std::string mode_of(const FinetuneConfig& c) {
  return c.unfrozen_from() == kAlways ? "identify" : "finetune";
}

// Whose weights the decoder `seed` starts from: the stored one of that seed, or the only one.
int64_t origin_of(const StoredRun& stored, int64_t seed) {
  if (std::find(stored.seeds.begin(), stored.seeds.end(), seed) != stored.seeds.end()) return seed;
  if (stored.seeds.size() == 1) return stored.seeds[0];
  throw Mismatch(fmt::format("--seed: found {}, expected one of the {} decoders of {}", seed,
                             stored.seeds.size(), stored.checkpoint));
}

class Transfer {
 public:
  Transfer(const FinetuneConfig& config, const StoredRun& stored, const Dataset& dataset,
           at::Device device)
      : config_(config), stored_(stored), dataset_(dataset), device_(device) {}

  // Members that start from the stored decoder; the one with most labels is the seed's model.
  std::vector<MemberPlan> plans(const std::vector<int64_t>& seeds) const {
    const std::vector<int64_t> numbers = config_.few_shot.numbers();
    std::vector<MemberPlan> all;
    for (int64_t seed : seeds) {
      for (int64_t trials : numbers) {
        const bool of_seed = trials == numbers.back();
        all.push_back(plan(seed, trials, of_seed ? "" : "/trials-" + trials_text(trials)));
        all.back().model =
            std::make_unique<Model>(adapted_model(stored_, origin_of(stored_, seed), dataset_.units,
                                                  dataset_.sessions, uint64_t(seed), device_));
      }
    }
    if (!config_.compares("scratch")) return all;
    for (int64_t seed : seeds)
      for (int64_t trials : numbers) all.push_back(from_scratch(seed, trials));
    return all;
  }

  bool is_scratch(const DecoderMember& m) const {
    return m.name.find("/scratch-") != std::string::npos;
  }

  // Freezes what starts from the stored decoder, for as many epochs as were asked for.
  void freeze(DecoderProgram& program) const {
    const int64_t epochs = config_.unfrozen_from();
    const int64_t steps = epochs == kAlways ? kAlways : epochs * program.steps_per_epoch();
    for (size_t i = 0; i < program.members().size(); ++i)
      if (!is_scratch(program.members()[i])) program.freeze(i, steps);
  }

  // False where the core of a `finetune` stays frozen to the end.
  bool thaws_before(int64_t steps, const DecoderProgram& program) const {
    const int64_t epochs = config_.unfrozen_from();
    return epochs == kAlways || epochs * program.steps_per_epoch() < steps;
  }

  // Largest change of a number of the core in the members that started from the stored decoder.
  double core_change(const DecoderProgram& program) const {
    double largest = 0;
    for (const DecoderMember& m : program.members()) {
      if (is_scratch(m)) continue;
      const Model origin = load_model(stored_, origin_of(stored_, int64_t(m.seed)));
      for (size_t i = 0; i < origin.parameters().all().size(); ++i) {
        const train::Parameter& before = origin.parameters().all()[i];
        if (is_table(before.name)) continue;
        const at::Tensor after = m.model->parameters().all()[i].value.detach().cpu();
        largest = std::max(largest, (after - before.value.detach()).abs().max().item<double>());
      }
    }
    return largest;
  }

 private:
  MemberPlan plan(int64_t seed, int64_t trials, const std::string& more) const {
    MemberPlan p;
    p.name = fmt::format("{}{}", seed, more);
    p.seed = uint64_t(seed);
    p.labels = {trials, trial_order(config_.few_shot)};
    p.max_lr = config_.training.highest_lr();
    p.embedding_lr_mult = config_.training.embedding_lr_mult;
    return p;
  }
  MemberPlan from_scratch(int64_t seed, int64_t trials) const {
    MemberPlan p = plan(seed, trials, "/scratch-" + trials_text(trials));
    p.max_lr = config_.scratch_max_lr.value_or(TrainingConfig().base_lr *
                                               double(config_.training.batch_size));
    p.embedding_lr_mult = config_.scratch_embedding_lr_mult;
    p.model = std::make_unique<Model>(stored_.config.model.spec, dataset_.units.size(),
                                      dataset_.sessions.size(), p.seed, device_);
    return p;
  }

  const FinetuneConfig& config_;
  const StoredRun& stored_;
  const Dataset& dataset_;
  at::Device device_;
};

void add_wiener(const FinetuneConfig& config, const Dataset& dataset,
                const std::vector<int64_t>& seeds, FewShotCurve& curve) {
  for (int64_t seed : seeds) {
    for (int64_t trials : config.few_shot.numbers()) {
      const Labels labels{trials, trial_order(config.few_shot)};
      FewShotPoint point{"wiener", seed, trials, trials_used(dataset, labels, uint64_t(seed)), {}};
      for (const Session& s : dataset.parts) {
        const Intervals training =
            labelled_trials(s.recording, trials, labels.order, uint64_t(seed));
        point.scores.push_back(wiener_filter(s, training).test);
      }
      curve.push_back(point);
    }
  }
}

void tell_of_known_ids(const StoredRun& stored, const Dataset& dataset) {
  int64_t known = 0;
  for (const std::string& id : dataset.units.ids()) known += stored.units.has(id) ? 1 : 0;
  if (known == 0) return;
  log::warning(fmt::format("{} of {} units are known to the decoder and keep their embeddings",
                           known, dataset.units.size()));
}

log::Metric number(double value, const std::string& unit) {
  log::Metric m;
  m.value = value;
  m.unit = unit;
  return m;
}

int transfer(const FinetuneConfig& config, const std::string& schema, cli::Run& run) {
  const StoredRun stored = open_stored_run(config.checkpoint);
  const Dataset dataset(binned(load_recordings(config.data), stored.config.bin_spikes),
                        dataset_options(config.data, config.training.loss_weights));
  tell_of_known_ids(stored, dataset);
  const std::vector<int64_t>& seeds = run.options().seed;
  const at::Device device = nn::torch_device(run.device());
  const Transfer transfer(config, stored, dataset, device);
  DecoderProgram program(dataset,
                         decoder_options(stored.config.model.spec, config.training, device),
                         transfer.plans(seeds));
  const int64_t steps =
      config.training.steps.value_or(*config.training.epochs * program.steps_per_epoch());
  program.set_steps(steps);
  transfer.freeze(program);
  if (!transfer.thaws_before(steps, program))
    log::warning(fmt::format("--freeze-until {}: the core stays frozen in all {} steps",
                             config.freeze_until, steps));
  warn_of_missing_trials(dataset, config.few_shot.numbers());
  warn_of_what_looks_wrong(dataset, program, stored.config.model.spec,
                           config.training.query_stride);

  log::Result result;
  result.seeds = seeds;
  result.data = data_facts(dataset);
  result.model = model_facts(*program.members()[0].model);
  result.model.emplace_back("mode", mode_of(config));
  result.model.emplace_back("origin", stored.checkpoint);
  if (run.options().dry_run) {
    run.emit(result, schema);
    return 0;
  }
  const train::Outcome outcome = run_program(program, run, steps, mode_of(config),
                                             stored_arch(stored, run.config_json(), dataset));
  set_outcome(result, outcome);
  const auto scores = test_scores(program);
  std::vector<SeedScores> of_models;
  FewShotCurve curve;
  for (size_t i = 0; i < scores.size(); ++i) {
    const DecoderMember& m = program.members()[i];
    if (m.name == fmt::format("{}", m.seed)) of_models.emplace_back(int64_t(m.seed), scores[i]);
    curve.push_back({transfer.is_scratch(m) ? "scratch" : mode_of(config), int64_t(m.seed),
                     m.labels.trials, trials_used(dataset, m.labels, m.seed), scores[i]});
  }
  if (config.compares("wiener")) add_wiener(config, dataset, seeds, curve);
  add_training_curves(result, program.members());
  add_scores(result, of_models);
  add_few_shot(result, curve);
  const Model& model = *program.members()[0].model;
  // Row 0 of both tables is padding.
  const int64_t tables =
      (dataset.units.size() + dataset.sessions.size()) * stored.config.model.spec.dim;
  const bool frozen = config.unfrozen_from() == kAlways;
  result.metrics.emplace_back(
      "trainable_params",
      number(double(frozen ? tables : tables + model.core_parameters()), "numbers"));
  result.metrics.emplace_back("core_max_abs_change", number(transfer.core_change(program), ""));
  add_training_metrics(result, program, outcome);
  run.emit(result, schema);
  return outcome.exit_code;
}

}  // namespace

int finetune(const FinetuneConfig& config, cli::Run& run) {
  return transfer(config, "finetune/1", run);
}

int identify(const IdentifyConfig& config, cli::Run& run) {
  return transfer(config, "identify/1", run);
}

}  // namespace tenfold::poyo_decode
