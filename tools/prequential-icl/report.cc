#include "tools/prequential-icl/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::prequential_icl {
namespace {

using Values = std::vector<std::optional<double>>;

constexpr double kPi = 3.14159265358979323846;

std::optional<double> finite(double value) {
  return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
}

struct MeanError {
  std::optional<double> mean, error;
};

MeanError over(const std::vector<double>& values) {
  MeanError out;
  if (values.empty()) return out;
  const double n = double(values.size());
  double sum = 0, squares = 0;
  for (double v : values) sum += v;
  for (double v : values) squares += (v - sum / n) * (v - sum / n);
  out.mean = finite(sum / n);
  if (n > 1) out.error = finite(std::sqrt(squares / (n - 1) / n));
  return out;
}

// One column of a curve: the mean over seeds where there are several.
class Columns {
 public:
  explicit Columns(const std::vector<const LabelledCurve*>& curves) : curves_(curves) {}

  using Choice = const Curve& (*)(const Evaluation&);

  MeanError at(Choice choice, size_t row) const {
    std::vector<double> values;
    for (const LabelledCurve* c : curves_) {
      const Curve& curve = choice(c->evaluation);
      if (row < curve.mean.size()) values.push_back(curve.mean[row]);
    }
    MeanError out = over(values);
    if (values.size() == 1) out.error = finite(choice(curves_[0]->evaluation).error[row]);
    return out;
  }

 private:
  const std::vector<const LabelledCurve*>& curves_;
};

const Curve& next_of(const Evaluation& e) { return e.next; }
const Curve& train_of(const Evaluation& e) { return e.train; }
const Curve& ood_of(const Evaluation& e) { return e.ood; }
const Curve& excess_of(const Evaluation& e) { return e.excess_norm; }
const Curve& to_of(const Evaluation& e) { return e.kl_to_oracle; }
const Curve& from_of(const Evaluation& e) { return e.kl_from_oracle; }

bool wanted(const CurveReport& report, int64_t context) {
  return report.contexts.empty() ||
         std::count(report.contexts.begin(), report.contexts.end(), context) > 0;
}

log::Series eval_series(const CurveReport& report,
                        const std::vector<const LabelledCurve*>& curves) {
  const Columns columns(curves);
  const Contexts& contexts = curves[0]->evaluation.contexts;
  log::Series series{"n_samples",
                     {{"n_samples", {}},
                      {"loss_nexttoken", {}},
                      {"loss_train", {}},
                      {"loss_ood", {}},
                      {"stderr", {}}}};
  const bool expected = !curves[0]->expected.empty();
  if (expected) series.columns.push_back({"expected", {}});
  for (int64_t c = contexts.first; c <= contexts.last; ++c) {
    if (!wanted(report, c)) continue;
    const size_t row = size_t(c - contexts.first);
    const MeanError next = columns.at(next_of, row);
    series.columns[0].second.push_back(double(c));
    series.columns[1].second.push_back(next.mean);
    series.columns[2].second.push_back(columns.at(train_of, row).mean);
    series.columns[3].second.push_back(columns.at(ood_of, row).mean);
    series.columns[4].second.push_back(next.error);
    if (!expected) continue;
    std::vector<double> values;
    for (const LabelledCurve* curve : curves) values.push_back(curve->expected[row]);
    series.columns[5].second.push_back(over(values).mean);
  }
  return series;
}

log::Series two_columns(const CurveReport& report, const std::vector<const LabelledCurve*>& curves,
                        const std::vector<std::pair<std::string, Columns::Choice>>& choices) {
  const Columns columns(curves);
  const Contexts& contexts = curves[0]->evaluation.contexts;
  log::Series series{"n_samples", {{"n_samples", {}}}};
  for (const auto& [name, choice] : choices) {
    series.columns.push_back({name, {}});
    series.columns.push_back({name + "_stderr", {}});
  }
  for (int64_t c = contexts.first; c <= contexts.last; ++c) {
    if (!wanted(report, c)) continue;
    series.columns[0].second.push_back(double(c));
    for (size_t i = 0; i < choices.size(); ++i) {
      const MeanError value = columns.at(choices[i].second, size_t(c - contexts.first));
      series.columns[2 * i + 1].second.push_back(value.mean);
      series.columns[2 * i + 2].second.push_back(value.error);
    }
  }
  return series;
}

log::Metric metric_of(const std::vector<double>& per_seed, const std::string& unit) {
  log::Metric metric;
  metric.unit = unit;
  metric.higher_is_better = false;
  metric.n = int64_t(per_seed.size());
  for (double v : per_seed) metric.per_seed.push_back(finite(v));
  const MeanError value = over(per_seed);
  metric.value = value.mean;
  metric.stderr_of_mean = value.error;
  return metric;
}

// Code lengths: nats for labels and tokens; for a squared loss the plain sum, and Gaussian nats
// where sigma is given.
void add_code_length(log::Result& result, const CurveReport& report) {
  const bool squared = report.kind == DataKind::kRegression;
  std::vector<double> sums, nats;
  for (const LabelledCurve& c : report.curves) {
    const double sum = c.evaluation.code_length();
    sums.push_back(sum);
    if (!squared) {
      nats.push_back(sum);
    } else if (report.sigma) {
      const double variance = *report.sigma * *report.sigma;
      nats.push_back(sum / (2 * variance) +
                     0.5 * std::log(2 * kPi * variance) * double(c.evaluation.contexts.last));
    }
  }
  result.metrics.emplace_back("code_length", metric_of(sums, squared ? "mse" : "nats"));
  log::Metric bits;
  bits.unit = "bits";
  if (nats.empty()) {
    bits.reason = "a squared loss has a code length in bits only with --sigma";
  } else {
    for (double& v : nats) v /= std::log(2.0);
    bits = metric_of(nats, "bits");
  }
  result.metrics.emplace_back("code_length_bits", bits);
}

}  // namespace

void add_curves(log::Result& result, const CurveReport& report) {
  std::vector<const LabelledCurve*> all;
  for (const LabelledCurve& c : report.curves) all.push_back(&c);
  result.series.emplace_back("eval_curve", eval_series(report, all));
  if (all.size() > 1) {
    for (const LabelledCurve* c : all)
      result.series.emplace_back(fmt::format("eval_curve/{}", c->seed), eval_series(report, {c}));
  }
  const Evaluation& first = all[0]->evaluation;
  if (!first.excess_norm.empty())
    result.series.emplace_back("excess_norm",
                               two_columns(report, all, {{"excess_norm", excess_of}}));
  if (!first.kl_to_oracle.empty()) {
    result.series.emplace_back(
        "kl_oracle",
        two_columns(report, all, {{"kl_model_oracle", to_of}, {"kl_oracle_model", from_of}}));
  }
  add_code_length(result, report);
  std::vector<double> dimensions;
  for (const LabelledCurve* c : all)
    if (c->evaluation.effective_z_dim) dimensions.push_back(*c->evaluation.effective_z_dim);
  if (dimensions.empty()) return;
  log::Metric dimension = metric_of(dimensions, "dimensions");
  dimension.higher_is_better.reset();
  result.metrics.emplace_back("effective_z_dim", dimension);
}

void require_contexts(const std::vector<int64_t>& wanted, const Contexts& contexts) {
  for (int64_t c : wanted) {
    if (c < contexts.first || c > contexts.last) {
      throw UsageError(
          fmt::format("--contexts: found {}, expected {}..{}", c, contexts.first, contexts.last));
    }
  }
}

void set_outcome(log::Result& result, const train::Outcome& outcome) {
  result.complete = outcome.complete;
  result.stopped_by = outcome.stopped_by;
}

log::Facts data_facts(const RunData& run) {
  const MetaDataset& d = run.data;
  log::Facts facts = {{"name", d.task},
                      {"origin", std::string(run.digest.empty() ? "synthetic" : "user")},
                      {"kind", std::string(kind_name(d.shape.kind))},
                      {"x_dim", d.shape.x_dim()},
                      {"y_dim", d.shape.y_dim()}};
  if (d.train.tasks() > 0) facts.emplace_back("tasks", d.train.tasks());
  if (d.val.tasks() > 0) {
    facts.emplace_back("validation_tasks", d.val.tasks());
    facts.emplace_back("points", d.val.points());
  }
  if (!run.digest.empty())
    facts.emplace_back("digests", std::vector<std::string>{"xxh3:" + run.digest});
  return facts;
}

log::Facts model_facts(const Learner& learner) {
  const train::Parameters& p = learner.parameters();
  const bool bottleneck = learner.spec().has_bottleneck();
  return {{"arch", learner.spec().arch},
          {"head", bottleneck ? log::Value(learner.spec().predictor) : log::Value(nullptr)},
          {"parameters", p.count()},
          {"aggregator", bottleneck ? p.count("agg.") : p.count()},
          {"predictor", p.count("pred.")},
          {"unused", p.count_unused()}};
}

log::Series training_series(const std::vector<TrainingPoint>& curve) {
  log::Series series{"epoch",
                     {{"epoch", {}}, {"loss_train", {}}, {"loss_nexttoken", {}}, {"loss_ood", {}}}};
  const bool oracle = !curve.empty() && std::isfinite(curve[0].kl_to_oracle);
  if (oracle) {
    series.columns.push_back({"kl_model_oracle", {}});
    series.columns.push_back({"kl_oracle_model", {}});
  }
  for (const TrainingPoint& p : curve) {
    series.columns[0].second.push_back(p.epoch);
    series.columns[1].second.push_back(finite(p.loss_train));
    series.columns[2].second.push_back(finite(p.loss_next));
    series.columns[3].second.push_back(finite(p.loss_ood));
    if (!oracle) continue;
    series.columns[4].second.push_back(finite(p.kl_to_oracle));
    series.columns[5].second.push_back(finite(p.kl_from_oracle));
  }
  return series;
}

}  // namespace tenfold::prequential_icl
