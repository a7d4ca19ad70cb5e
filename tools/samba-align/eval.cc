// `eval`: how a trained translator translates a part of the recordings.

#include <fmt/format.h>

#include <memory>

#include "common/core/error.h"
#include "common/io/npz_writer.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/reference_pooling.h"
#include "tools/samba-align/report.h"
#include "tools/samba-align/report_metric.h"
#include "tools/samba-align/stored_run.h"

namespace tenfold::samba_align {

namespace {

void add_pooled(log::Result& result, const std::vector<SeedTranslation>& translations) {
  std::vector<Maybe> spearman, r2, error, median;
  for (const auto& [seed, t] : translations) {
    const PooledMetrics m = pooled_metrics(t, reference_windows(t.windows));
    spearman.push_back(m.spearman);
    r2.push_back(m.r2);
    error.push_back(m.root_mse);
    median.push_back(m.median_error);
  }
  const std::string none = "the pooled entries do not vary";
  add_metric(result, "reference_spearman", spearman, true, "", none);
  add_metric(result, "reference_r2", r2, true, "", none);
  // The released code calls the root of the mean squared error so.
  add_metric(result, "reference_mse", error, false, "", none);
  add_metric(result, "reference_median_error", median, false, "", none);
}

// y_hat and y [windows, targets, frames] of the first seed, and y_hat_SEED where there are several.
void write_predictions(const std::string& path, const std::vector<SeedTranslation>& translations,
                       const std::vector<WindowPlace>& places) {
  const Translation& first = translations[0].translation;
  const std::vector<int64_t> shape = {first.windows, first.targets, first.frames};
  std::vector<int64_t> starts;
  for (const WindowPlace& p : places) starts.push_back(p.start);
  using io::DType;
  std::vector<io::NpzArray> arrays = {{"y_hat", DType::kF32, shape, first.translated.data()},
                                      {"y", DType::kF32, shape, first.truth.data()},
                                      {"start_frame", DType::kI64, {first.windows}, starts.data()}};
  for (const auto& [seed, t] : translations) {
    if (translations.size() == 1) break;
    arrays.push_back({fmt::format("y_hat_{}", seed), DType::kF32, shape, t.translated.data()});
  }
  io::write_npz(path, arrays);
}

}  // namespace

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
    models.push_back(std::make_unique<Model>(s, uint64_t(seed)));
    load_weights(stored, seed, config.weights, *models.back());
  }
  result.model = model_facts(*models[0]);
  result.model.emplace_back("checkpoint", stored.checkpoint);
  if (run.options().dry_run) {
    run.emit(result, "eval/1");
    return 0;
  }
  const TranslateOptions options{trained.training.true_first_frame, trained.training.eval_dropout,
                                 16};
  std::vector<SeedTranslation> translations;
  std::vector<SeedModel> seed_models;
  for (size_t i = 0; i < models.size(); ++i) {
    seed_models.emplace_back(stored.seeds[i], models[i].get());
    translations.push_back(
        {stored.seeds[i], translate(*models[i], dataset, dataset.windows(config.part), options)});
  }
  add_translation(result, translations, config.keep_first_frame ? 0 : 1);
  if (config.metrics == "reference") add_pooled(result, translations);
  if (!config.predictions.empty())
    write_predictions(config.predictions, translations, dataset.windows(config.part));
  add_learned(result, recordings, seed_models);
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::samba_align
