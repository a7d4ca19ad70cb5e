// `eval`: how a trained translator translates a part of the recordings.

#include <fmt/format.h>

#include "common/core/error.h"
#include "common/io/npz_writer.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/graph_report.h"
#include "tools/samba-align/opened_run.h"
#include "tools/samba-align/reference_pooling.h"
#include "tools/samba-align/report.h"
#include "tools/samba-align/report_metric.h"

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

// y_hat and y [windows, targets, frames] of the first seed, with the deviation of passes under
// dropout y_hat_std; y_hat_SEED where there are several seeds.
void write_predictions(const std::string& path, const std::vector<SeedTranslation>& translations) {
  const Translation& first = translations[0].translation;
  const std::vector<int64_t> shape = {first.windows, first.targets, first.frames};
  using io::DType;
  std::vector<io::NpzArray> arrays = {
      {"y_hat", DType::kF32, shape, first.translated.data()},
      {"y", DType::kF32, shape, first.truth.data()},
      {"start_frame", DType::kI64, {first.windows}, first.start_frames.data()}};
  if (!first.deviation.empty())
    arrays.push_back({"y_hat_std", DType::kF32, shape, first.deviation.data()});
  for (const auto& [seed, t] : translations) {
    if (translations.size() == 1) break;
    arrays.push_back({fmt::format("y_hat_{}", seed), DType::kF32, shape, t.translated.data()});
  }
  io::write_npz(path, arrays);
}

// ele [parcels, parcels] and hemo [targets, targets] of the first seed, ele_SEED and hemo_SEED
// where there are several; table graph_attention.
void report_attention(const std::string& path, const OpenedRun& opened, const std::string& part,
                      log::Result& result) {
  const ModelSpec& spec = opened.stored.spec;
  const std::vector<WindowPlace> places = opened.dataset->windows(part);
  const auto models = opened.seed_models();
  log::Table table{kGraphAttentionColumns, {}};
  std::vector<at::Tensor> kept;
  std::vector<io::NpzArray> arrays;
  for (const auto& [seed, model] : models) {
    const MeanAttention mean = mean_attention(*model, *opened.dataset, places);
    for (const auto& [modality, attention] : {std::pair("ele", mean.ele), {"hemo", mean.hemo}}) {
      if (!attention.defined()) continue;
      const int64_t nodes = attention.size(0);
      add_graph_regions(
          table, seed, modality, attention,
          regions_of(parcel_places(opened.recordings.path, modality, nodes), nodes, spec.patches));
      kept.push_back(attention);
      const auto add = [&](const std::string& name) {
        arrays.push_back({name, io::DType::kF32, {nodes, nodes}, kept.back().data_ptr<float>()});
      };
      if (seed == models[0].first) add(modality);
      if (models.size() > 1) add(fmt::format("{}_{}", modality, seed));
    }
  }
  io::write_npz(path, arrays);
  result.tables.emplace_back("graph_attention", table);
}

}  // namespace

int evaluate(const EvalConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: samba-align computes on the CPU");
  const OpenedRun opened = open_run(config.run, config.data, config.weights);
  const TrainConfig& trained = opened.stored.config;
  const Dataset& dataset = *opened.dataset;
  log::Result result = opened_result(opened);
  result.data.emplace_back("part", config.part);
  if (run.options().dry_run) {
    run.emit(result, "eval/1");
    return 0;
  }
  const TranslateOptions options{trained.training.true_first_frame, trained.training.eval_dropout,
                                 config.mc_samples};
  std::vector<SeedTranslation> translations;
  for (const auto& [seed, model] : opened.seed_models())
    translations.push_back(
        {seed, translate(*model, dataset, dataset.windows(config.part), options)});
  add_translation(result, translations, config.keep_first_frame ? 0 : 1);
  add_target_regions(result, opened.recordings, opened.stored.spec);
  add_pairs(result, opened.recordings, translations);
  if (config.metrics == "reference") add_pooled(result, translations);
  if (!config.predictions.empty()) write_predictions(config.predictions, translations);
  add_learned(result, opened.recordings, opened.seed_models(), translations);
  if (!config.attention.empty()) report_attention(config.attention, opened, config.part, result);
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::samba_align
