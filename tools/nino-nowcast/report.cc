#include "tools/nino-nowcast/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tenfold::nino_nowcast {
namespace {

std::optional<double> finite(double value) {
  return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
}

std::vector<const Member*> members_of(const Ensemble& ensemble, const std::string& nowcaster) {
  std::vector<const Member*> out;
  for (const Member& m : ensemble.members()) {
    if (m.nowcaster == nowcaster) out.push_back(&m);
  }
  return out;
}

log::Metric steps_metric(const TrainReport& report, const std::string& nowcaster) {
  std::vector<std::optional<int64_t>> steps;
  for (const Member* m : members_of(*report.ensemble, nowcaster)) {
    steps.push_back(m->target_step < 0 ? std::nullopt : std::optional<int64_t>(m->target_step));
  }
  log::Metric metric = median_steps(steps, report.max_steps);
  if (!metric.value && !report.outcome.complete) {
    metric.reason = fmt::format("not reached when the run stopped after {} of {} steps",
                                report.outcome.steps, report.max_steps);
  }
  return metric;
}

// Wall-clock of the runs that got there, nowcasts included, evaluations apart.
log::Metric seconds_metric(const TrainReport& report, const std::string& nowcaster) {
  log::Metric metric;
  metric.unit = "s";
  metric.higher_is_better = false;
  std::vector<double> reached;
  for (const Member* m : members_of(*report.ensemble, nowcaster)) {
    const bool there = m->target_step >= 0;
    metric.per_seed.push_back(there ? std::optional<double>(m->target_seconds) : std::nullopt);
    reached.push_back(there ? m->target_seconds : HUGE_VAL);
  }
  metric.n = static_cast<int64_t>(reached.size());
  std::sort(reached.begin(), reached.end());
  const size_t n = reached.size();
  metric.value = n > 0 ? finite((reached[n / 2] + reached[(n - 1) / 2]) / 2) : std::nullopt;
  if (!metric.value) metric.reason = "target not reached";
  return metric;
}

log::Metric best_metric(const TrainReport& report, const std::string& nowcaster) {
  log::Metric metric;
  metric.unit = "%";
  metric.higher_is_better = true;
  double sum = 0, squares = 0;
  int64_t n = 0;
  for (const Member* m : members_of(*report.ensemble, nowcaster)) {
    double best = -1;
    for (const CurvePoint& p : m->curve) best = std::max(best, p.test_acc);
    metric.per_seed.push_back(best < 0 ? std::nullopt : std::optional<double>(best));
    if (best < 0) continue;
    sum += best;
    squares += best * best;
    ++n;
  }
  metric.n = n;
  if (n == 0) {
    metric.reason = "no evaluation yet";
    return metric;
  }
  const double mean = sum / double(n);
  metric.value = mean;
  if (n > 1) {
    const double variance = std::max(0.0, (squares - double(n) * mean * mean) / double(n - 1));
    metric.stderr_of_mean = std::sqrt(variance / double(n));
  }
  return metric;
}

log::Metric reduction(const log::Metric& base, const log::Metric& ours) {
  log::Metric metric;
  metric.unit = "%";
  metric.higher_is_better = true;
  if (base.value && ours.value) {
    metric.value = 100 * (*base.value - *ours.value) / *base.value;
  } else {
    metric.reason = "a median is not known: the target was not reached";
  }
  return metric;
}

log::Series curve_series(const Member& m) {
  log::Series series;
  series.x = "step";
  series.columns = {{"step", {}}, {"train_loss", {}}, {"test_loss", {}}, {"test_acc", {}}};
  for (const CurvePoint& p : m.curve) {
    series.columns[0].second.push_back(double(p.step));
    series.columns[1].second.push_back(finite(p.train_loss));
    series.columns[2].second.push_back(finite(p.test_loss));
    series.columns[3].second.push_back(finite(p.test_acc));
  }
  return series;
}

log::Table nowcast_table(const Ensemble& ensemble) {
  log::Table table;
  table.columns = {"nowcaster",   "seed",       "step",          "k",           "seconds",
                   "loss_before", "loss_after", "metric_before", "metric_after"};
  for (const Member& m : ensemble.members()) {
    for (const NowcastRecord& r : m.nowcasts) {
      table.rows.push_back({m.nowcaster, m.seed, r.step, r.k, r.seconds, r.loss_before,
                            r.loss_after, r.metric_before, r.metric_after});
    }
  }
  return table;
}

}  // namespace

log::Metric median_steps(const std::vector<std::optional<int64_t>>& per_seed, int64_t max_steps) {
  log::Metric metric;
  metric.unit = "steps";
  metric.higher_is_better = false;
  metric.n = static_cast<int64_t>(per_seed.size());
  const double never = 2.0 * double(max_steps);
  std::vector<double> sorted;
  for (const auto& steps : per_seed) {
    metric.per_seed.push_back(steps ? std::optional<double>(double(*steps)) : std::nullopt);
    sorted.push_back(steps ? double(*steps) : never);
  }
  std::sort(sorted.begin(), sorted.end());
  const size_t n = sorted.size();
  if (n == 0 || sorted[n / 2] == never) {
    metric.reason = fmt::format("not reached within {} steps", max_steps);
  } else {
    metric.value = (sorted[n / 2] + sorted[(n - 1) / 2]) / 2;
  }
  return metric;
}

void set_outcome(log::Result& result, const train::Outcome& outcome) {
  result.complete = outcome.complete;
  result.stopped_by = outcome.stopped_by;
}

log::Facts data_facts(const ImageData& data) {
  std::vector<std::string> digests;
  for (const auto& [file, digest] : data.digests) digests.push_back(file + "=xxh3:" + digest);
  return {{"name", data.name},
          {"origin", std::string("real")},
          {"training_examples", data.train_x.size(0)},
          {"test_examples", data.test_x.size(0)},
          {"digests", digests}};
}

log::Result train_result(const TrainReport& report) {
  log::Result result;
  set_outcome(result, report.outcome);
  result.seeds = report.seeds;
  result.data = data_facts(*report.data);
  result.model = {{"task", report.task.name},
                  {"num_params", report.task.arch.num_params()},
                  {"hidden", report.task.net.hidden},
                  {"net", std::string(report.task.net.conv ? "conv" : "mlp")},
                  {"batch_norm", report.task.net.batch_norm},
                  {"image_size", report.task.net.image_size},
                  {"target", report.target},
                  {"metric", report.task.metric},
                  {"lr", report.task.lr},
                  {"wd", report.task.wd}};
  for (const auto& fact : report.checkpoints) result.model.push_back(fact);
  const bool has_base = std::count(report.nowcasters.begin(), report.nowcasters.end(), "none") > 0;
  const log::Metric base = has_base ? steps_metric(report, "none") : log::Metric();
  for (const std::string& name : report.nowcasters) {
    const log::Metric steps = steps_metric(report, name);
    result.metrics.emplace_back("steps_to_target/" + name, steps);
    if (has_base && name != "none")
      result.metrics.emplace_back("reduction_pct/" + name, reduction(base, steps));
    result.metrics.emplace_back("seconds_to_target/" + name, seconds_metric(report, name));
    result.metrics.emplace_back("best_metric/" + name, best_metric(report, name));
  }
  for (const Member& m : report.ensemble->members())
    result.series.emplace_back(m.label(), curve_series(m));
  result.tables.emplace_back("nowcasts", nowcast_table(*report.ensemble));
  log::Table schedule{{"index", "k"}, {}};
  for (size_t i = 0; i < report.horizons.size(); ++i)
    schedule.rows.push_back({int64_t(i), report.horizons[i]});
  result.tables.emplace_back("k_schedule", schedule);
  result.published = {
      {"reduction_pct", std::string("up to 50"), "arXiv 2409.04434, abstract (nine tasks)"}};
  return result;
}

}  // namespace tenfold::nino_nowcast
