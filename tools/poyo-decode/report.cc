#include "tools/poyo-decode/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

namespace tenfold::poyo_decode {
namespace {

std::optional<double> finite(double value) {
  return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
}

log::Value value_of(const std::optional<double>& v) {
  return v ? log::Value(*v) : log::Value(nullptr);
}

// The mean over seeds of what each seed has.
log::Metric metric_of(const std::vector<std::optional<double>>& per_seed, int64_t sessions) {
  log::Metric metric;
  metric.higher_is_better = true;
  metric.n = sessions;
  double sum = 0, squares = 0, count = 0;
  for (const auto& v : per_seed) {
    if (!v) continue;
    sum += *v;
    squares += *v * *v;
    ++count;
  }
  if (per_seed.size() > 1) metric.per_seed = per_seed;
  if (count == 0) {
    metric.reason = "no session has scored samples whose target varies";
    return metric;
  }
  metric.value = sum / count;
  if (count > 1) {
    const double variance = (squares - sum * sum / count) / (count - 1);
    metric.stderr_of_mean = std::sqrt(std::max(0.0, variance) / count);
  }
  return metric;
}

log::Series training_series(const std::vector<CurvePoint>& curve) {
  log::Series series{"step",
                     {{"step", {}}, {"epoch", {}}, {"lr", {}}, {"train_loss", {}}, {"val_r2", {}}}};
  for (const CurvePoint& p : curve) {
    series.columns[0].second.push_back(p.step);
    series.columns[1].second.push_back(finite(p.epoch));
    series.columns[2].second.push_back(finite(p.lr));
    series.columns[3].second.push_back(finite(p.train_loss));
    series.columns[4].second.push_back(finite(p.val_r2));
  }
  return series;
}

}  // namespace

void add_scores(log::Result& result, const std::vector<SeedScores>& scores) {
  std::vector<std::optional<double>> all;
  std::map<std::string, std::vector<std::optional<double>>> by_task;
  std::map<std::string, int64_t> sessions_of;
  log::Table table{{"seed", "session", "task", "r2", "r2_x", "r2_y", "n_samples", "n_windows",
                    "n_skipped_intervals"},
                   {}};
  for (const auto& [seed, sessions] : scores) {
    all.push_back(mean_r2(sessions));
    std::map<std::string, std::vector<SessionScore>> groups;
    for (const SessionScore& s : sessions) {
      if (!s.task.empty()) groups[s.task].push_back(s);
      table.rows.push_back({seed, s.session, s.task, value_of(s.r2), value_of(s.r2_x),
                            value_of(s.r2_y), s.samples, s.windows, s.skipped_intervals});
    }
    for (const auto& [task, group] : groups) {
      by_task[task].push_back(mean_r2(group));
      sessions_of[task] = int64_t(group.size());
    }
  }
  const int64_t sessions = scores.empty() ? 0 : int64_t(scores[0].second.size());
  result.metrics.emplace_back("r2", metric_of(all, sessions));
  for (const auto& [task, per_seed] : by_task)
    result.metrics.emplace_back("r2/" + task, metric_of(per_seed, sessions_of[task]));
  result.tables.emplace_back("sessions", table);
}

void add_few_shot(log::Result& result, const FewShotCurve& curve) {
  log::Table table{{"decoder", "seed", "trials_asked", "trials", "session", "r2"}, {}};
  std::map<int64_t, double> trials;  // mean over decoders and seeds, by what was asked
  std::map<std::string, std::map<int64_t, std::vector<std::optional<double>>>> by_decoder;
  for (const FewShotPoint& p : curve) {
    const log::Value asked =
        p.asked == kAllTrials ? log::Value(std::string("all")) : log::Value(p.asked);
    for (const SessionScore& s : p.scores)
      table.rows.push_back({p.decoder, p.seed, asked, p.used, s.session, value_of(s.r2)});
    // All trials come last.
    const int64_t place = p.asked == kAllTrials ? std::numeric_limits<int64_t>::max() : p.asked;
    trials[place] = double(p.used) / double(std::max<size_t>(1, p.scores.size()));
    by_decoder[p.decoder][place].push_back(mean_r2(p.scores));
  }
  log::Series series{"trials", {{"trials", {}}}};
  for (const auto& [place, count] : trials) series.columns[0].second.push_back(count);
  for (const auto& [decoder, points] : by_decoder) {
    std::vector<std::optional<double>> means, errors;
    for (const auto& [place, per_seed] : points) {
      const log::Metric m = metric_of(per_seed, 0);
      means.push_back(m.value);
      errors.push_back(m.stderr_of_mean);
    }
    series.columns.emplace_back(decoder, means);
    series.columns.emplace_back(decoder + "_stderr", errors);
  }
  result.series.emplace_back("few_shot", series);
  result.tables.emplace_back("few_shot", table);
}

void add_training_curves(log::Result& result, const std::vector<DecoderMember>& members) {
  const auto model = std::find_if(members.begin(), members.end(), [](const DecoderMember& m) {
    return m.name.find('/') == std::string::npos;
  });
  result.series.emplace_back("train_curve", training_series(model->curve));
  if (members.size() == 1) return;
  for (const DecoderMember& m : members)
    result.series.emplace_back("train_curve/" + m.name, training_series(m.curve));
}

void set_outcome(log::Result& result, const train::Outcome& outcome) {
  result.complete = outcome.complete;
  result.stopped_by = outcome.stopped_by;
}

log::Facts data_facts(const Dataset& dataset) {
  std::vector<std::string> names, files;
  int64_t units = 0, spikes = 0, samples = 0;
  for (const Session& s : dataset.parts) {
    names.push_back(s.recording.session);
    if (!s.recording.path.empty()) files.push_back(s.recording.path);
    units += int64_t(s.unit_rows.size());
    spikes += s.recording.spikes();
    samples += s.recording.samples();
  }
  return {{"name", std::string("neural recordings")},
          {"origin", std::string(files.empty() ? "synthetic" : "user")},
          {"sessions", names},
          {"files", files},
          {"n_sessions", int64_t(names.size())},
          {"n_units", units},
          {"spikes", spikes},
          {"samples", samples}};
}

log::Facts model_facts(const Model& model) {
  const int64_t all = model.parameters().count(), core = model.core_parameters();
  return {{"parameters", all}, {"core", core}, {"embedding", all - core}};
}

}  // namespace tenfold::poyo_decode
