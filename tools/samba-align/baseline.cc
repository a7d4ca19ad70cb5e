// `baseline`: what simple predictors make of the same windows.

#include <fmt/format.h>

#include "tools/samba-align/commands.h"
#include "tools/samba-align/report.h"
#include "tools/samba-align/ridge_baseline.h"

namespace tenfold::samba_align {
namespace {

Matrix matrix_of(const at::Tensor& series) {
  using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return Eigen::Map<const Floats>(series.data_ptr<float>(), series.size(0), series.size(1))
      .cast<double>();
}

}  // namespace

int baseline(const BaselineConfig& config, cli::Run& run) {
  const RecordingSet recordings = read_recordings(config.data, config.subjects);
  DatasetOptions options;
  options.frames = config.frames;
  options.context_frames = 0;
  options.normalise = "recording";
  options.gap_s = config.gap;
  const Dataset dataset(recordings, options);
  log::Result result;
  result.seeds = {run.options().seed[0]};  // nothing is drawn
  result.data = data_facts(recordings, dataset);
  result.data.emplace_back("part", config.part);
  result.model = {{"kind", config.kind}};
  if (run.options().dry_run) {
    run.emit(result, "baseline/1");
    return 0;
  }
  const Parts& parts = dataset.parts();
  Translation t;
  t.targets = recordings.subjects[0].targets;
  t.frames = config.frames;
  log::Table chosen{{"subject", "parcel", "lambda"}, {}};
  const std::vector<WindowPlace> places = dataset.windows(config.part);
  for (size_t s = 0; s < recordings.subjects.size(); ++s) {
    const Recording& r = recordings.subjects[s];
    const Matrix y = matrix_of(dataset.hemo(s)).transpose();
    const Matrix features =
        canonical_features(matrix_of(dataset.ele(s)), recordings.rate, recordings.block);
    const RidgeFit fit = fit_ridge(features, y, parts.train, parts.valid);
    const Matrix found = fit.predict(features);
    for (size_t q = 0; q < fit.lambda.size(); ++q)
      chosen.rows.push_back({r.subject, int64_t(q), fit.lambda[q]});
    for (const WindowPlace& p : places) {
      if (p.ele != s) continue;
      ++t.windows;
      for (int64_t q = 0; q < t.targets; ++q) {
        for (int64_t f = p.start; f < p.start + t.frames; ++f) {
          t.truth.push_back(float(y(f, q)));
          t.translated.push_back(float(found(f, q)));
        }
      }
    }
  }
  add_translation(result, {{run.options().seed[0], t}});
  result.tables.emplace_back("chosen", chosen);
  run.emit(result, "baseline/1");
  return 0;
}

}  // namespace tenfold::samba_align
