#include "tools/samba-align/report.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "common/stats/correlation.h"
#include "tools/samba-align/region_report.h"
#include "tools/samba-align/report_metric.h"
#include "tools/samba-align/response_report.h"
#include "tools/samba-align/spectral_metrics.h"

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

constexpr int64_t kShownPoints = 4000;  // of an example, at most

// Attention mass of every wavelet band; none where the model has no attention.
std::vector<double> band_masses(const Model& model, const Translation& translation) {
  if (!translation.band_share.empty())
    return {translation.band_share.begin(), translation.band_share.end()};
  if (!model.alpha().defined()) return {};
  const at::Tensor alpha = model.alpha().to(at::kDouble);
  const double all = alpha.sum().item<double>();
  std::vector<double> masses;
  int64_t first = 0;
  for (const int64_t size : model.wavelet().sizes()) {
    masses.push_back(alpha.narrow(0, first, size).sum().item<double>() / all);
    first += size;
  }
  return masses;
}

void add_bands(log::Result& result, const std::vector<SeedModel>& models,
               const std::vector<SeedTranslation>& translations) {
  const at::NoGradGuard guard;
  log::Table table{{"seed", "band", "low_hz", "high_hz", "coefficients", "mass", "share"}, {}};
  for (size_t m = 0; m < models.size(); ++m) {
    const auto& [seed, learned] = models[m];
    const Model& model = *learned;
    const std::vector<int64_t>& sizes = model.wavelet().sizes();
    const std::vector<double> masses = band_masses(model, translations[m].translation);
    if (masses.empty()) continue;
    // The first version thins the series before its transform.
    const double rate =
        model.spec().rate * double(model.wavelet().length()) /
        double(model.spec().variant == "v1" ? model.spec().window() : model.spec().block);
    double high = rate / 2;
    for (size_t b = 0; b < sizes.size(); ++b) {
      const bool last = b + 1 == sizes.size();
      table.rows.push_back({seed, fmt::format("{}{}", last ? 'a' : 'd', last ? b : b + 1),
                            last ? 0.0 : high / 2, high, sizes[b], masses[b],
                            double(sizes[b]) / double(model.wavelet().coefficients())});
      if (!last) high /= 2;
    }
  }
  if (!table.rows.empty()) result.tables.emplace_back("bands", table);
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
  const int64_t windows = std::clamp<int64_t>(kShownPoints / t.frames, 1, t.windows);
  log::Series series{"frame", {{"frame", {}}}};
  for (int64_t i = 0; i < windows * t.frames; ++i) series.columns[0].second.emplace_back(double(i));
  const auto add = [&](const std::string& name, const std::vector<float>& from, int64_t q) {
    std::vector<Maybe> column;
    for (int64_t w = 0; w < windows; ++w) {
      const float* row = t.of(from, w, q);
      for (int64_t f = 0; f < t.frames; ++f) column.emplace_back(double(row[f]));
    }
    series.columns.emplace_back(fmt::format("{}/{}", name, q), column);
  };
  for (const int64_t q : {order.front(), order[order.size() / 2], order.back()}) {
    add("true", t.truth, q);
    add("translated", t.translated, q);
    if (!t.deviation.empty()) add("deviation", t.deviation, q);
  }
  result.series.emplace_back("example", series);
}

// Of passes under dropout: how far they spread, and whether the spread follows the error.
void add_uncertainty(log::Result& result, const std::vector<SeedTranslation>& translations) {
  std::vector<Maybe> spread, follows;
  for (const auto& [seed, t] : translations) {
    if (t.deviation.empty()) return;
    std::vector<double> deviation(t.deviation.begin(), t.deviation.end()), error;
    for (size_t i = 0; i < t.truth.size(); ++i)
      error.push_back(std::abs(double(t.translated[i]) - t.truth[i]));
    spread.push_back(std::accumulate(deviation.begin(), deviation.end(), 0.0) /
                     double(deviation.size()));
    follows.push_back(stats::correlation(deviation, error));
  }
  add_metric(result, "mc_deviation", spread, std::nullopt, "", "");
  add_metric(result, "mc_deviation_error_r", follows, true, "", "the deviation does not vary");
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

// What can be judged where a rhythm's phase cannot be predicted.
void add_spectral(log::Result& result, const std::vector<SeedTranslation>& translations,
                  double rate, int64_t block) {
  std::vector<Maybe> slow, ratio;
  log::Table table{{"seed", "low_hz", "high_hz", "r"}, {}};
  for (const auto& [seed, translation] : translations) {
    const SpectralMetrics m = spectral_metrics(translation, rate, block);
    slow.push_back(m.slow_r);
    ratio.emplace_back(m.log_ratio);
    for (const BandPowerMetric& b : m.bands)
      table.rows.push_back({seed, b.low_hz, b.high_hz, value_of(b.r)});
    if (&translation != &translations.front().translation) continue;
    log::Series spectra{"frequency_hz", {{"frequency_hz", {}}, {"true", {}}, {"translated", {}}}};
    for (size_t k = 0; k < m.frequency_hz.size(); ++k) {
      spectra.columns[0].second.emplace_back(m.frequency_hz[k]);
      spectra.columns[1].second.emplace_back(m.true_density[k]);
      spectra.columns[2].second.emplace_back(m.translated_density[k]);
    }
    result.series.emplace_back("spectra", spectra);
  }
  add_metric(result, "slow_r", slow, true, "", "no slow part varies");
  add_metric(result, "spectrum_log_ratio", ratio, false, "decades", "");
  result.tables.emplace_back("band_power", table);
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
          {"source_edges", dataset.source_graph(0)->edges()},
          {"target_edges", dataset.target_graph(0)->edges()}};
}

log::Facts model_facts(const Model& model) {
  const train::Parameters& p = model.parameters();
  const int64_t hrf = p.count("hrf."), learned = p.count() - model.buffers();
  return {{"direction", model.spec().direction},
          {"variant", model.spec().variant},
          {"parcels", model.spec().parcels},
          {"targets", model.spec().targets},
          {"block", model.spec().block},
          {"coefficients", model.wavelet().sizes()},
          {"parameters", learned},
          {"hrf", hrf},
          {"registered", model.spec().train_hrf ? learned : learned - hrf},
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
  add_uncertainty(result, translations);
  result.tables.emplace_back("parcels", table);
}

void add_target_regions(log::Result& result, const RecordingSet& recordings,
                        const ModelSpec& spec) {
  const bool back = spec.direction == "hemo2ele";
  add_regions(
      result, "parcels", "target_regions",
      parcel_places(recordings.path, back ? "ele" : "hemo", back ? spec.parcels : spec.targets));
}

void add_pairs(log::Result& result, const RecordingSet& recordings,
               const std::vector<SeedTranslation>& translations) {
  log::Table table{
      {"seed", "ele_subject", "hemo_subject", "windows", "pearson", "within_window_r", "loss"}, {}};
  for (const auto& [seed, t] : translations) {
    std::map<std::pair<size_t, size_t>, std::vector<int64_t>> windows;
    for (int64_t w = 0; w < t.windows; ++w) windows[t.subjects[size_t(w)]].push_back(w);
    if (windows.size() < 2) return;
    for (const auto& [pair, chosen] : windows) {
      const Translation part = windows_of(t, chosen);
      std::vector<Maybe> r;
      for (const ParcelMetrics& m : parcel_metrics(part, 1)) r.push_back(m.pearson);
      table.rows.push_back({seed, recordings.subjects[pair.first].subject,
                            recordings.subjects[pair.second].subject, part.windows,
                            value_of(mean_of(r)), value_of(within_window(part, 1).r),
                            mean_cosine_loss(part)});
    }
  }
  result.tables.emplace_back("pairs", table);
}

void add_learned(log::Result& result, const RecordingSet& recordings,
                 const std::vector<SeedModel>& models,
                 const std::vector<SeedTranslation>& translations) {
  add_responses(result, recordings, models);
  add_bands(result, models, translations);
  add_coefficients(result, models);
  const ModelSpec& spec = models[0].second->spec();
  if (spec.direction == "hemo2ele") add_spectral(result, translations, spec.rate, spec.block);
}

void add_history(log::Result& result, const std::vector<TranslatorMember>& members) {
  result.series.emplace_back("train_curve", history_series(members[0].history));
  if (members.size() == 1) return;
  for (const TranslatorMember& m : members)
    result.series.emplace_back(fmt::format("train_curve/{}", m.seed), history_series(m.history));
}

}  // namespace tenfold::samba_align
