#include "tools/samba-align/report.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "tools/samba-align/report_metric.h"
#include "tools/samba-align/response_report.h"

namespace tenfold::samba_align {
namespace {

Maybe median_of(const std::vector<Maybe>& values) {
  std::vector<double> known;
  for (const Maybe& v : values)
    if (v) known.push_back(*v);
  if (known.empty()) return std::nullopt;
  std::sort(known.begin(), known.end());
  return (known[(known.size() - 1) / 2] + known[known.size() / 2]) / 2;
}

void add_bands(log::Result& result, const std::vector<SeedModel>& models) {
  const at::NoGradGuard guard;
  log::Table table{{"seed", "band", "low_hz", "high_hz", "coefficients", "mass", "share"}, {}};
  for (const auto& [seed, learned] : models) {
    const Model& model = *learned;
    const at::Tensor alpha = model.alpha().to(at::kDouble);
    const std::vector<int64_t>& sizes = model.wavelet().sizes();
    const double all = alpha.sum().item<double>();
    int64_t first = 0;
    double high = model.spec().rate / 2;
    for (size_t b = 0; b < sizes.size(); ++b) {
      const bool last = b + 1 == sizes.size();
      const double mass = alpha.narrow(0, first, sizes[b]).sum().item<double>() / all;
      table.rows.push_back({seed, fmt::format("{}{}", last ? 'a' : 'd', last ? b : b + 1),
                            last ? 0.0 : high / 2, high, sizes[b], mass,
                            double(sizes[b]) / double(model.wavelet().coefficients())});
      first += sizes[b];
      if (!last) high /= 2;
    }
  }
  result.tables.emplace_back("bands", table);
}

// How much of the attention every wavelet coefficient has, its mean over seeds.
void add_coefficients(log::Result& result, const std::vector<SeedModel>& models) {
  const at::NoGradGuard guard;
  at::Tensor sum;
  for (const auto& [seed, model] : models) {
    const at::Tensor alpha = model->alpha();
    if (!alpha.defined()) return;
    const at::Tensor share = alpha.to(at::kDouble) / alpha.to(at::kDouble).sum();
    sum = sum.defined() ? sum + share : share;
  }
  const at::Tensor mean = (sum / double(models.size())).contiguous();
  log::Series series{"coefficient", {{"coefficient", {}}, {"mass", {}}}};
  for (int64_t i = 0; i < mean.numel(); ++i) {
    series.columns[0].second.emplace_back(double(i));
    series.columns[1].second.emplace_back(mean.data_ptr<double>()[i]);
  }
  result.series.emplace_back("attention", series);
}

// The first seed's windows of three targets: the best, the median and the worst by correlation.
void add_example(log::Result& result, const Translation& t,
                 const std::vector<ParcelMetrics>& parcels) {
  std::vector<int64_t> order(static_cast<size_t>(t.targets));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return parcels[size_t(a)].pearson.value_or(-2) > parcels[size_t(b)].pearson.value_or(-2);
  });
  log::Series series{"frame", {{"frame", {}}}};
  for (int64_t i = 0; i < t.windows * t.frames; ++i)
    series.columns[0].second.emplace_back(double(i));
  for (const int64_t q : {order.front(), order[order.size() / 2], order.back()}) {
    for (const bool truth : {true, false}) {
      std::vector<Maybe> column;
      for (int64_t w = 0; w < t.windows; ++w) {
        const float* row = t.of(truth ? t.truth : t.translated, w, q);
        for (int64_t f = 0; f < t.frames; ++f) column.emplace_back(double(row[f]));
      }
      series.columns.emplace_back(fmt::format("{}/{}", truth ? "true" : "translated", q), column);
    }
  }
  result.series.emplace_back("example", series);
}

log::Series history_series(const std::vector<HistoryPoint>& history) {
  log::Series s{"iteration",
                {{"iteration", {}}, {"train_loss", {}}, {"valid_loss", {}}, {"valid_r", {}}}};
  const auto finite = [](double v) { return std::isfinite(v) ? Maybe(v) : std::nullopt; };
  for (const HistoryPoint& p : history) {
    s.columns[0].second.push_back(p.iteration);
    s.columns[1].second.push_back(finite(p.train_loss));
    s.columns[2].second.push_back(finite(p.valid_loss));
    s.columns[3].second.push_back(finite(p.valid_r));
  }
  return s;
}

}  // namespace

log::Facts data_facts(const RecordingSet& recordings, const Dataset& dataset) {
  std::vector<std::string> subjects;
  for (const Recording& r : recordings.subjects) subjects.push_back(r.subject);
  const auto windows = [&](const char* part) { return int64_t(dataset.windows(part).size()); };
  return {{"name", std::string("electrophysiology and fMRI")},
          {"folder", recordings.path},
          {"subjects", subjects},
          {"fs", recordings.rate},
          {"tr", recordings.tr},
          {"frames", recordings.subjects[0].frames},
          {"train_windows", dataset.training_windows()},
          {"valid_windows", windows("valid")},
          {"test_windows", windows("test")},
          {"source_edges", dataset.source_graph(0).edges()},
          {"target_edges", dataset.target_graph(0).edges()}};
}

log::Facts model_facts(const Model& model) {
  const train::Parameters& p = model.parameters();
  const int64_t hrf = p.count("hrf.");
  return {{"parcels", model.spec().parcels},
          {"targets", model.spec().targets},
          {"block", model.spec().block},
          {"coefficients", model.wavelet().sizes()},
          {"parameters", p.count()},
          {"hrf", hrf},
          {"registered", model.spec().train_hrf ? p.count() : p.count() - hrf},
          {"alpha_scaled", model.spec().scale_alpha}};
}

void add_translation(log::Result& result, const std::vector<SeedTranslation>& translations,
                     int64_t first_frame) {
  std::vector<Maybe> loss, within;
  std::vector<std::vector<Maybe>> means(8);
  log::Table table{
      {"seed", "parcel", "pearson", "spearman", "r2", "rmse", "median_error", "mse", "scaled_mse"},
      {}};
  for (const auto& [seed, translation] : translations) {
    const std::vector<ParcelMetrics> parcels = parcel_metrics(translation, first_frame);
    std::vector<std::vector<Maybe>> columns(7);
    for (size_t q = 0; q < parcels.size(); ++q) {
      const ParcelMetrics& m = parcels[q];
      std::vector<log::Value> row = {seed, int64_t(q)};
      size_t c = 0;
      for (const Maybe& v : {m.pearson, m.spearman, m.r2, m.rmse, m.median_error, Maybe(m.mse),
                             Maybe(m.scaled_mse)}) {
        row.push_back(value_of(v));
        columns[c++].push_back(v);
      }
      table.rows.push_back(row);
    }
    for (size_t c = 0; c < columns.size(); ++c) means[c].push_back(mean_of(columns[c]));
    means[7].push_back(median_of(columns[0]));
    loss.emplace_back(mean_cosine_loss(translation));
    within.push_back(within_window(translation, first_frame).r);
    if (&translation == &translations.front().translation)
      add_example(result, translation, parcels);
  }
  const std::string none = "no translated series varies";
  add_metric(result, "pearson", means[0], true, "", none);
  add_metric(result, "pearson_median", means[7], true, "", none);
  add_metric(result, "spearman", means[1], true, "", none);
  add_metric(result, "r2", means[2], true, "", none);
  add_metric(result, "rmse", means[3], false, "standard deviations", none);
  add_metric(result, "median_error", means[4], false, "standard deviations", none);
  add_metric(result, "mse", means[5], false, "", "");
  add_metric(result, "scaled_mse", means[6], false, "", "");
  add_metric(result, "within_window_r", within, true, "", none);
  add_metric(result, "loss", loss, false, "", "");
  result.tables.emplace_back("parcels", table);
}

void add_learned(log::Result& result, const RecordingSet& recordings,
                 const std::vector<SeedModel>& models) {
  add_responses(result, recordings, models);
  add_bands(result, models);
  add_coefficients(result, models);
}

void add_history(log::Result& result, const std::vector<TranslatorMember>& members) {
  result.series.emplace_back("train_curve", history_series(members[0].history));
  if (members.size() == 1) return;
  for (const TranslatorMember& m : members)
    result.series.emplace_back(fmt::format("train_curve/{}", m.seed), history_series(m.history));
}

}  // namespace tenfold::samba_align
