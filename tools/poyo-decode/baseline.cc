// `baseline`: decoders of single sessions, chosen on their valid trials.

#include <fmt/format.h>

#include "common/log/logger.h"
#include "tools/poyo-decode/baseline_methods.h"
#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/jobs.h"
#include "tools/poyo-decode/recordings.h"
#include "tools/poyo-decode/report.h"

namespace tenfold::poyo_decode {
namespace {

// A session under one seed, and every combination of hyper-parameters that was fitted.
struct Fit {
  const Session* session = nullptr;
  int64_t seed = 0;
  Intervals training;
  std::vector<BaselineScore> tried;

  // The best on the valid trials; the first where nothing is scored there.
  const BaselineScore& best() const {
    const BaselineScore* best = &tried[0];
    for (const BaselineScore& s : tried) {
      const std::optional<double>&r2 = s.score.valid_r2, &least = best->score.valid_r2;
      if (r2 && (!least || *r2 > *least)) best = &s;
    }
    return *best;
  }
};

log::Value value_of(const std::optional<double>& v) {
  return v ? log::Value(*v) : log::Value(nullptr);
}

// What stands in a row of the tables, the hyper-parameters included.
log::Table table_of(const std::vector<Fit>& fits, bool only_best, bool has_bins) {
  log::Table table{{"seed", "session", "trials"}, {}};
  for (const auto& [name, value] : fits[0].best().hyper_parameters) table.columns.push_back(name);
  if (only_best) table.columns.emplace_back("chosen_by");
  table.columns.emplace_back(has_bins ? "valid_r2_bins" : "valid_r2");
  if (only_best && has_bins) table.columns.emplace_back("test_r2_bins");
  for (const Fit& fit : fits) {
    for (const BaselineScore& s : fit.tried) {
      if (only_best && &s != &fit.best()) continue;
      std::vector<log::Value> row = {fit.seed, fit.session->recording.session,
                                     int64_t(fit.training.size())};
      for (const auto& [name, value] : s.hyper_parameters) row.push_back(value);
      if (only_best)
        row.emplace_back(std::string(s.score.valid_r2 ? "valid trials" : "nothing to choose by"));
      row.push_back(value_of(s.score.valid_r2));
      if (only_best && has_bins) row.push_back(value_of(s.score.test_r2));
      table.rows.push_back(row);
    }
  }
  return table;
}

void warn_where_nothing_chose(const Fit& fit) {
  if (fit.best().score.valid_r2) return;
  std::string used;
  for (const auto& [name, value] : fit.best().hyper_parameters) {
    const auto text = [](const auto& v) -> std::string {
      if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v)>>) return fmt::format("{}", v);
      return "";
    };
    used += fmt::format("{}{} {}", used.empty() ? "" : ", ", name, std::visit(text, value));
  }
  log::warning(
      fmt::format("{}: no valid trial is scored, or a velocity does not vary there, so the "
                  "first setting is used: {}",
                  fit.session->recording.session, used));
}

}  // namespace

int baseline(const BaselineConfig& config, cli::Run& run) {
  const Dataset dataset(load_recordings(config.data), dataset_options(config.data, "paper"));
  const BaselineOptions& method = config.options;
  const bool random_trials = config.trial_order == "random";
  log::Result result;
  result.seeds = run.options().seed;
  // What depends on no seed is fitted once.
  if (!uses_seed(method) && !random_trials) result.seeds.resize(1);
  result.data = data_facts(dataset);
  result.model = {{"method", method.method}};
  if (run.options().dry_run) {
    run.emit(result, "baseline/1");
    return 0;
  }
  const int64_t trials = number_of_trials(config.n_trials);
  warn_of_missing_trials(dataset, {trials});
  std::vector<Fit> fits;
  for (int64_t seed : result.seeds) {
    for (const Session& session : dataset.parts) {
      fits.push_back(
          {&session, seed,
           labelled_trials(session.recording, trials,
                           random_trials ? TrialOrder::kRandom : TrialOrder::kTime, uint64_t(seed)),
           std::vector<BaselineScore>(size_t(settings(method)))});
    }
  }
  const int64_t per_fit = settings(method);
  run_jobs(int64_t(fits.size()) * per_fit, "fits", [&](int64_t job) {
    Fit& fit = fits[size_t(job / per_fit)];
    fit.tried[size_t(job % per_fit)] =
        fit_baseline(*fit.session, fit.training, method, job % per_fit, uint64_t(fit.seed));
  });
  std::vector<SeedScores> scores;
  for (const Fit& fit : fits) {
    warn_where_nothing_chose(fit);
    if (scores.empty() || scores.back().first != fit.seed) scores.push_back({fit.seed, {}});
    scores.back().second.push_back(fit.best().score.test);
  }
  add_scores(result, scores);
  const bool has_bins = method.method != "gru";
  result.tables.emplace_back("chosen", table_of(fits, true, has_bins));
  if (per_fit > 1) result.tables.emplace_back("tried", table_of(fits, false, has_bins));
  run.emit(result, "baseline/1");
  return 0;
}

}  // namespace tenfold::poyo_decode
