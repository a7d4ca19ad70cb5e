#include "tools/bias-learning/rnn_report.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "common/core/stop.h"
#include "common/log/logger.h"
#include "tools/bias-learning/jacobian.h"
#include "tools/bias-learning/rnn_setup.h"

namespace tenfold::bias_learning {
namespace {

using PerSeed = std::vector<std::optional<double>>;

constexpr int64_t kManyUnits = 500;  // from here on eigenvalues take seconds

PerSeed optional(const std::vector<double>& v) { return {v.begin(), v.end()}; }

// 1, 2, ... as a column.
PerSeed counted(size_t n) {
  PerSeed out;
  for (size_t i = 1; i <= n; ++i) out.emplace_back(double(i));
  return out;
}

// A network before and after training.
struct Scored {
  const RnnModel* model = nullptr;
  Measured measured;  // after; nothing where it diverged
  std::vector<Spectrum> before, after;

  std::optional<double> figure(const std::string& name) const {
    for (const auto& [own, value] : measured.figures)
      if (own == name && std::isfinite(value)) return value;
    return std::nullopt;
  }
};

std::vector<Scored> scores_of(const TrainRnnConfig& config, const RnnTask& task,
                              const std::vector<RnnModel>& models, int64_t jacobian_steps) {
  NetworkDraw draw = rnn_options(config, {}).draw;
  if (task.starts_at_zero()) draw.start = 0;
  std::vector<Scored> out(models.size());
  at::parallel_for(0, int64_t(models.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const RnnModel& m = models[size_t(k)];
      const RateNetwork& net = m.network;
      Scored& s = out[size_t(k)];
      s.model = &m;
      s.measured = task.measure(net);
      if (m.diverged) s.measured.figures.clear();
      // Eigenvalues of large networks take long enough to be stopped between two of them.
      if (stop_requested() != StopReason::kNone) continue;
      const RateNetwork untrained = draw_network(net.shape, draw, net.seed, net.gain);
      s.before = spectra_along(untrained, s.measured.trial, jacobian_steps);
      if (!m.diverged) s.after = spectra_along(net, s.measured.trial, jacobian_steps);
    }
  });
  return out;
}

std::vector<std::string> figure_names(const std::vector<Scored>& scores) {
  std::vector<std::string> out;
  for (const Scored& s : scores)
    for (const auto& [name, value] : s.measured.figures)
      if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  return out;
}

log::Table table_of(const TrainRnnConfig& config, const std::vector<Scored>& scores) {
  std::vector<std::string> figures = {"mse", "nmse", "horizon"};
  for (const std::string& name : figure_names(scores))
    if (std::find(figures.begin(), figures.end(), name) == figures.end()) figures.push_back(name);
  log::Table table{{"system", "gain", "seed", "train"}, {}};
  table.columns.insert(table.columns.end(), figures.begin(), figures.end());
  for (const char* name : {"spectral_radius_before", "spectral_radius_after", "active_units_before",
                           "active_units", "diverged_at"})
    table.columns.emplace_back(name);
  for (const Scored& s : scores) {
    const RnnModel& m = *s.model;
    std::vector<log::Value> row = {config.system, m.network.gain, int64_t(m.network.seed),
                                   config.train};
    for (const std::string& name : figures) {
      const auto value = s.figure(name);
      row.push_back(value ? log::Value(*value) : log::Value(nullptr));
    }
    const std::vector<Spectrum>* const moments[] = {&s.before, &s.after};
    for (const auto* spectra : moments)
      row.push_back(spectra->empty() ? log::Value(nullptr) : log::Value(spectra->back().radius));
    for (const auto* spectra : moments)
      row.push_back(spectra->empty() ? log::Value(nullptr) : log::Value(spectra->back().active));
    row.push_back(m.diverged && m.diverged_at >= 0 ? log::Value(m.diverged_at)
                                                   : log::Value(nullptr));
    table.rows.push_back(std::move(row));
  }
  return table;
}

void add_metrics(log::Result& result, const TrainRnnConfig& config,
                 const std::vector<Scored>& scores) {
  for (const double gain : config.gains()) {
    for (const std::string& name : figure_names(scores)) {
      PerSeed values;
      for (const Scored& s : scores)
        if (s.model->network.gain == gain) values.push_back(s.figure(name));
      const bool higher = name == "horizon" || name.find("r2") != std::string::npos;
      result.metrics.emplace_back(fmt::format("{}/{}/{:g}", name, config.train, gain),
                                  log::metric_over_seeds(values, higher, "every network diverged"));
      const auto& value = result.metrics.back().second.value;
      if (value &&
          (name == "mse" || name == "nmse" || name == "horizon" || name.rfind("distance", 0) == 0))
        log::info(fmt::format("gain {:g}: {} {:.4f}", gain, name, *value));
    }
  }
}

log::Series eigenvalues_of(const Scored& s) {
  log::Series out{"re", {{"re", {}}, {"im", {}}, {"after", {}}, {"step", {}}}};
  const std::vector<Spectrum>* const moments[] = {&s.before, &s.after};
  for (const std::vector<Spectrum>* spectra : moments) {
    for (const Spectrum& spectrum : *spectra) {
      for (const auto& value : spectrum.eigenvalues) {
        out.columns[0].second.emplace_back(value.real());
        out.columns[1].second.emplace_back(value.imag());
        out.columns[2].second.emplace_back(spectra == &s.after ? 1 : 0);
        out.columns[3].second.emplace_back(double(spectrum.step));
      }
    }
  }
  return out;
}

// `own` under each network's name, beside a column that counts.
void add_columns(log::Series& series, const Columns& own, const std::string& network) {
  for (const auto& [name, values] : own) {
    if (series.columns.empty()) series.columns.emplace_back(series.x, counted(values.size()));
    series.columns.emplace_back(network.empty() ? name : name + "/" + network, optional(values));
  }
}

void add_series(log::Result& result, const RnnTask& task, const std::vector<Scored>& scores) {
  log::Series curves{"iteration", {}}, paths{"t", {}}, sustained{"step", {}};
  add_columns(paths, task.truth(), "");
  const uint64_t first_seed = scores[0].model->network.seed;
  for (const Scored& s : scores) {
    const RateNetwork& net = s.model->network;
    const std::string name = network_name(net);
    if (!s.model->curve.empty()) {
      if (curves.columns.empty()) {
        PerSeed at;
        for (size_t i = 0; i < s.model->curve.size(); ++i)
          at.emplace_back(double(i) * double(RnnProgram::kCurveEvery));
        curves.columns.emplace_back("iteration", at);
      }
      PerSeed values = optional(s.model->curve);
      values.resize(curves.columns[0].second.size());
      curves.columns.emplace_back("loss/" + name, values);
    }
    if (s.model->diverged) continue;
    add_columns(sustained, s.measured.sustained, name);
    // Positions of every angle are many columns: those of the first seed stand for all.
    if (!task.truth().empty() || net.seed == first_seed) add_columns(paths, s.measured.curve, name);
    if (net.seed == first_seed && !s.after.empty())
      result.series.emplace_back(fmt::format("eigenvalues/{:g}", net.gain), eigenvalues_of(s));
  }
  if (!curves.columns.empty()) result.series.emplace_back("loss", curves);
  if (!paths.columns.empty()) result.series.emplace_back("trajectories", paths);
  if (!sustained.columns.empty()) result.series.emplace_back("self_sustained", sustained);
}

}  // namespace

log::Result rnn_facts(const TrainRnnConfig& config, const RnnTask& task,
                      const std::vector<RnnModel>& models) {
  log::Result result;
  const bool full = config.train == "full";
  result.data = {{"name", config.system},
                 {"origin", std::string(config.csv_file().empty() ? "generated" : "user")}};
  for (const auto& [name, value] : task.facts()) result.data.emplace_back(name, value);
  const RateNetwork& first = models[0].network;
  const auto all = int64_t(first.values.size());
  result.model = {
      {"hidden", config.hidden},
      {"inputs", task.inputs()},
      {"outputs", task.outputs()},
      {"trained", std::string(full ? "W, B, C, b" : "b") + (config.train_r0 ? ", r_0" : "")},
      {"trained_params",
       (full ? first.start_at() : config.hidden) + (config.train_r0 ? config.hidden : 0)},
      {"total_params", config.train_r0 ? all : first.start_at()},
      {"weights_hash_end", weights_hash(models)}};
  return result;
}

log::Result rnn_result(const TrainRnnConfig& config, const RnnTask& task,
                       const std::vector<RnnModel>& models, int64_t jacobian_steps) {
  log::Result result = rnn_facts(config, task, models);
  if (jacobian_steps > 0 && config.hidden >= kManyUnits)
    log::info(fmt::format("eigenvalues of {} networks of {} units (--jacobian-steps 0: none)",
                          models.size(), config.hidden));
  const std::vector<Scored> scores = scores_of(config, task, models, jacobian_steps);
  add_metrics(result, config, scores);
  add_series(result, task, scores);
  result.tables.emplace_back("rnn", table_of(config, scores));
  return result;
}

}  // namespace tenfold::bias_learning
