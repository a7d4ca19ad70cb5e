#include "tools/samba-align/response_report.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "common/stats/correlation.h"
#include "tools/samba-align/haemodynamic_response.h"
#include "tools/samba-align/hrf_bank.h"
#include "tools/samba-align/report_metric.h"

namespace tenfold::samba_align {
namespace {

constexpr double kResponseRate = 100;  // Hz, fine enough for a report
constexpr int64_t kShownEvery = 25;    // of its samples a curve shows one

// One response a parcel, as the model has it.
struct Responses {
  std::vector<std::vector<double>> six, curves;
  std::vector<double> peak, width, undershoot;

  explicit Responses(const Model& model) {
    const at::NoGradGuard guard;
    const at::Tensor values = model.hrf_values();
    if (!values.defined()) return;
    const at::Tensor rows = values.to(at::kDouble).contiguous();
    for (int64_t p = 0; p < rows.size(0); ++p) {
      const double* v = rows.data_ptr<double>() + p * kHrfParameters;
      six.emplace_back(v, v + kHrfParameters);
      // The order of the six: delays, dispersions, scales.
      const DoubleGamma gamma{v[0], v[1], v[2], v[3], v[4], v[5]};
      std::vector<double> h = response_kernel(gamma, kResponseRate, model.spec().hrf.seconds);
      peak.push_back(time_to_peak_s(h, kResponseRate));
      width.push_back(fwhm_s(h, kResponseRate));
      undershoot.push_back(undershoot_ratio(h));
      curves.push_back(std::move(h));
    }
  }
};

// Over their peaks.
log::Series curves_of(const Responses& responses) {
  log::Series series{"time_s", {{"time_s", {}}}};
  for (size_t n = 0; n < responses.curves[0].size(); n += kShownEvery)
    series.columns[0].second.emplace_back(double(n) / kResponseRate);
  for (size_t p = 0; p < responses.curves.size(); ++p) {
    const std::vector<double>& h = responses.curves[p];
    const double peak = *std::max_element(h.begin(), h.end());
    std::vector<Maybe> column;
    for (size_t n = 0; n < h.size(); n += kShownEvery) column.emplace_back(h[n] / peak);
    series.columns.emplace_back(fmt::format("{}", p), column);
  }
  return series;
}

// What is averaged: the columns of the table hrf from the first of the six on.
constexpr size_t kFirstValue = 2, kValues = 9;

const log::Table& hrf_table(const log::Result& result) {
  const auto at = std::find_if(result.tables.begin(), result.tables.end(),
                               [](const auto& t) { return t.first == "hrf"; });
  if (at == result.tables.end()) throw NumericError("no table hrf to summarise");
  return at->second;
}

}  // namespace

void add_responses(log::Result& result, const RecordingSet& recordings,
                   const std::vector<std::pair<int64_t, const Model*>>& models) {
  log::Table table{{"seed", "parcel", "d1", "d2", "s1", "s2", "c1", "c2", "time_to_peak_s",
                    "fwhm_s", "undershoot_ratio", "true_time_to_peak_s"},
                   {}};
  // All subjects share the model's responses; the truth is compared where there is one subject.
  const std::vector<double>& truth = recordings.subjects[0].true_peaks;
  const bool known = recordings.subjects.size() == 1 && !truth.empty();
  std::vector<Maybe> r, error;
  for (const auto& [seed, model] : models) {
    const Responses responses(*model);
    if (seed == models[0].first && !responses.curves.empty())
      result.series.emplace_back("responses", curves_of(responses));
    for (size_t p = 0; p < responses.six.size(); ++p) {
      std::vector<log::Value> row = {seed, int64_t(p)};
      for (const double v : responses.six[p]) row.emplace_back(v);
      row.insert(row.end(), {responses.peak[p], responses.width[p], responses.undershoot[p],
                             known ? log::Value(truth[p]) : log::Value(nullptr)});
      table.rows.push_back(row);
    }
    if (!known || responses.peak.size() != truth.size()) continue;
    r.push_back(stats::correlation(responses.peak, truth));
    double sum = 0;
    for (size_t p = 0; p < truth.size(); ++p) sum += std::abs(responses.peak[p] - truth[p]);
    error.emplace_back(sum / double(truth.size()));
  }
  if (!table.rows.empty()) result.tables.emplace_back("hrf", table);
  if (r.empty()) return;
  add_metric(result, "hrf_peak_r", r, true, "", "the times to peak do not vary");
  add_metric(result, "hrf_peak_mae", error, false, "s", "");
}

void add_histograms(log::Result& result, const HrfSpec& spec) {
  constexpr int64_t kBins = 20;
  const log::Table& table = hrf_table(result);
  log::Series series{"bin", {{"bin", {}}}};
  for (int64_t b = 0; b < kBins; ++b) series.columns[0].second.emplace_back(double(b));
  for (int64_t k = 0; k < kHrfParameters; ++k) {
    const auto [low, high] = hrf_reach(spec, k);
    std::vector<double> counts(kBins);
    for (const auto& row : table.rows) {
      const double value = std::get<double>(row[kFirstValue + size_t(k)]);
      const auto bin = int64_t(std::floor((value - low) / (high - low) * kBins));
      ++counts[size_t(std::clamp<int64_t>(bin, 0, kBins - 1))];
    }
    const std::string& name = table.columns[kFirstValue + size_t(k)];
    std::vector<Maybe> edges;
    for (int64_t b = 0; b < kBins; ++b)
      edges.emplace_back(low + (high - low) * double(b) / double(kBins));
    series.columns.emplace_back(name + "_from", edges);
    series.columns.emplace_back(name, std::vector<Maybe>(counts.begin(), counts.end()));
  }
  result.series.emplace_back("histograms", series);
}

}  // namespace tenfold::samba_align
