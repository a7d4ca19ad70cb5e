// `eval`: how a trained translator translates a part of the recordings.

#include <fmt/format.h>

#include <memory>

#include "common/core/error.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/report.h"
#include "tools/samba-align/stored_run.h"

namespace tenfold::samba_align {

int evaluate(const EvalConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: samba-align computes on the CPU");
  const StoredRun stored = open_stored_run(config.run);
  const TrainConfig& trained = stored.config;
  const bool other = !config.data.empty();
  const RecordingSet recordings = read_recordings(
      other ? config.data : trained.data, other ? std::vector<std::string>() : trained.subjects);
  const ModelSpec& s = stored.spec;
  const Recording& first = recordings.subjects[0];
  if (first.parcels != s.parcels || first.targets != s.targets || recordings.block != s.block ||
      recordings.rate != s.rate) {
    throw Mismatch(fmt::format(
        "{}: found {} and {} parcels, {} samples a frame at {} Hz; the model has {}, {}, {} and {}",
        recordings.path, first.parcels, first.targets, recordings.block, recordings.rate, s.parcels,
        s.targets, s.block, s.rate));
  }
  const Dataset dataset(recordings, dataset_options(trained, recordings));
  log::Result result;
  result.seeds = stored.seeds;
  result.data = data_facts(recordings, dataset);
  result.data.emplace_back("part", config.part);
  std::vector<std::unique_ptr<Model>> models;
  for (const int64_t seed : stored.seeds) {
    models.push_back(make_model(s, uint64_t(seed)));
    load_weights(stored, seed, config.weights, *models.back());
  }
  result.model = model_facts(*models[0]);
  result.model.emplace_back("checkpoint", stored.checkpoint);
  if (run.options().dry_run) {
    run.emit(result, "eval/1");
    return 0;
  }
  const TranslateOptions options{trained.training.true_first_frame, trained.training.eval_dropout,
                                 config.mc_samples};
  std::vector<SeedTranslation> translations;
  std::vector<SeedModel> seed_models;
  for (size_t i = 0; i < models.size(); ++i) {
    seed_models.emplace_back(stored.seeds[i], models[i].get());
    translations.push_back(
        {stored.seeds[i], translate(*models[i], dataset, dataset.windows(config.part), options)});
  }
  add_translation(result, translations);
  add_pairs(result, recordings, translations);
  add_learned(result, recordings, seed_models, translations);
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::samba_align
