#include "tools/bias-learning/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "common/stats/correlation.h"
#include "tools/bias-learning/task_variance.h"

namespace tenfold::bias_learning {
namespace {

constexpr double kOnVariance = 0.1;  // TV above which a unit counts as on

using PerSeed = std::vector<std::optional<double>>;

log::Metric metric_of(const PerSeed& values, std::optional<bool> higher, const std::string& unit) {
  log::Metric m;
  m.per_seed = values;
  m.higher_is_better = higher;
  m.unit = unit;
  std::vector<double> there;
  for (const auto& v : values)
    if (v) there.push_back(*v);
  m.n = int64_t(there.size());
  if (there.empty()) {
    m.reason = "undefined: one of the two does not vary";
    return m;
  }
  double mean = 0, squares = 0;
  for (const double v : there) mean += v / double(there.size());
  for (const double v : there) squares += (v - mean) * (v - mean);
  m.value = mean;
  if (there.size() > 1)
    m.stderr_of_mean = std::sqrt(squares / double(there.size() - 1) / double(there.size()));
  return m;
}

std::vector<double> doubles(const std::vector<float>& v) { return {v.begin(), v.end()}; }

double share_above(const std::vector<double>& v, double threshold) {
  return double(std::count_if(v.begin(), v.end(), [&](double x) { return x > threshold; })) /
         double(v.size());
}

// Values of one name, seed by seed.
class Metrics {
 public:
  Metrics(size_t seeds, log::Result& result) : seeds_(seeds), result_(result) {}

  void set(const std::string& name, size_t seed, std::optional<double> value,
           std::optional<bool> higher, const std::string& unit = "") {
    auto found =
        std::find_if(all_.begin(), all_.end(), [&](const auto& m) { return m.name == name; });
    if (found == all_.end()) found = all_.insert(all_.end(), {name, PerSeed(seeds_), higher, unit});
    found->values[seed] = value;
  }
  ~Metrics() {
    for (const One& m : all_)
      result_.metrics.emplace_back(m.name, metric_of(m.values, m.higher, m.unit));
  }

 private:
  struct One {
    std::string name;
    PerSeed values;
    std::optional<bool> higher;
    std::string unit;
  };
  size_t seeds_;
  log::Result& result_;
  std::vector<One> all_;
};

using Variances = std::map<std::string, std::vector<double>>;  // task -> [N]

void add_clusters(log::Result& result, const FeedforwardProgram& program,
                  const TrainFnnConfig& config, const Variances& tv) {
  std::vector<std::vector<double>> rows, biases;
  for (const std::string& task : config.tasks) {
    rows.push_back(tv.at(task));
    for (const Job& job : program.jobs())
      for (size_t t = 0; t < job.tasks.size(); ++t)
        if (job.seed_index == 0 && job.method == Method::kBias && job.tasks[t].name == task)
          biases.push_back(doubles(job.trained[t].values));
  }
  const UnitClusters found =
      cluster_units(rows, config.cluster_count(), uint64_t(program.jobs()[0].seed));
  log::Table clusters{{"id", "size"}, {}}, silhouette{{"k", "value"}, {}};
  for (const std::string& task : config.tasks) clusters.columns.push_back("tv/" + task);
  for (const std::string& task : config.tasks) clusters.columns.push_back("spearman/" + task);
  for (size_t c = 0; c < found.sizes.size(); ++c) {
    std::vector<log::Value> row = {int64_t(c), found.sizes[c]};
    for (const double mean : found.mean[c]) row.push_back(mean);
    for (size_t t = 0; t < rows.size(); ++t) {
      std::vector<double> of_tv, of_bias;
      for (size_t u = 0; u < found.units.size(); ++u) {
        if (found.labels[u] != int64_t(c)) continue;
        of_tv.push_back(rows[t][size_t(found.units[u])]);
        of_bias.push_back(biases[t][size_t(found.units[u])]);
      }
      const auto r = stats::rank_correlation(of_bias, of_tv);
      row.push_back(r ? log::Value(*r) : log::Value(nullptr));
    }
    clusters.rows.push_back(row);
  }
  for (const auto& [k, value] : found.silhouettes) silhouette.rows.push_back({k, value});
  result.tables.emplace_back("clusters", clusters);
  result.tables.emplace_back("silhouette", silhouette);
  log::Series units{"unit", {{"unit", {}}, {"cluster", {}}}};
  for (const std::string& task : config.tasks)
    units.columns.emplace_back(task, std::vector<std::optional<double>>());
  for (size_t u = 0; u < found.units.size(); ++u) {
    units.columns[0].second.emplace_back(double(found.units[u]));
    units.columns[1].second.emplace_back(double(found.labels[u]));
    for (size_t t = 0; t < rows.size(); ++t)
      units.columns[2 + t].second.emplace_back(found.normalised[u][t]);
  }
  result.series.emplace_back("unit_variance", units);
}

}  // namespace

log::Result fnn_result(FeedforwardProgram& program, const TrainFnnConfig& config,
                       const std::map<std::string, DataSet>& data, const train::Outcome& outcome) {
  log::Result result;
  result.complete = outcome.complete;
  result.stopped_by = outcome.stopped_by;
  size_t seeds = 0;
  for (const Job& job : program.jobs()) seeds = std::max(seeds, job.seed_index + 1);
  bool real = true;
  for (const auto& [name, set] : data) {
    real = real && set.origin == "real";
    for (const auto& [file, digest] : set.digests)
      result.data.emplace_back("digest/" + name + "/" + file, digest);
    result.data.emplace_back("train_images/" + name, set.train.count);
    result.data.emplace_back("test_images/" + name, set.test.count);
  }
  result.data.insert(result.data.begin(),
                     {{"name", config.data}, {"origin", std::string(real ? "real" : "user")}});
  std::vector<Variances> tv(seeds);
  std::vector<std::vector<double>> mask_on(seeds);
  std::string mask_task;
  {
    Metrics metrics(seeds, result);
    for (const Job& job : program.jobs()) {
      if (int64_t(job.losses.size()) < job.epochs) continue;  // stopped before its end
      const std::string& method = kMethodNames[size_t(job.method)];
      for (size_t t = 0; t < job.tasks.size(); ++t) {
        const std::string& task = job.tasks[t].name;
        const std::string at = task + "/" + method + "/";
        const Score score = program.test_score(job, t);
        metrics.set(at + "test_accuracy", job.seed_index, score.accuracy, true);
        if (job.epochs > 0)
          metrics.set(at + "train_accuracy", job.seed_index, job.train_accuracy[t], true);
        metrics.set(at + "loss", job.seed_index, score.loss, false);
        const std::vector<double> values = doubles(job.trained[t].values);
        if (job.method == Method::kBias) {
          std::vector<double>& of_task = tv[job.seed_index][task];
          of_task = task_variance(program.test_set(job), job.trained[t].values);
          metrics.set(task + "/spearman", job.seed_index, stats::rank_correlation(values, of_task),
                      std::nullopt);
          metrics.set(task + "/on_fraction", job.seed_index, share_above(of_task, kOnVariance),
                      std::nullopt);
        }
        if (job.method == Method::kMask && t == 0 && mask_on[job.seed_index].empty()) {
          mask_task = task;
          for (const double s : values) mask_on[job.seed_index].push_back(s > 0);
        }
      }
    }
    for (size_t s = 0; s < seeds; ++s) {
      if (mask_on[s].empty()) continue;
      const double fraction = share_above(mask_on[s], 0.5);
      metrics.set("mask/on_units", s, std::round(fraction * double(config.hidden)), std::nullopt,
                  "units");
      metrics.set("mask/on_fraction", s, fraction, std::nullopt);
      const auto bias = tv[s].find(mask_task);
      if (bias == tv[s].end()) continue;
      std::vector<double> on;
      for (const double v : bias->second) on.push_back(v > kOnVariance);
      metrics.set("mask/corr_tv", s, stats::correlation(mask_on[s], on), std::nullopt);
    }
  }
  if (program.seconds_trained() > 0) {
    log::Metric speed;
    speed.value = double(program.images_trained()) / program.seconds_trained();
    speed.unit = "images/s";
    speed.higher_is_better = true;
    result.metrics.emplace_back("images_per_second", speed);
  }
  if (config.tasks.size() > 1 && tv[0].size() == config.tasks.size())
    add_clusters(result, program, config, tv[0]);
  for (const Job& job : program.jobs()) {
    if (job.losses.empty()) continue;
    log::Series curve{"epoch", {{"epoch", {}}, {"loss", {}}}};
    for (size_t e = 0; e < job.losses.size(); ++e) {
      curve.columns[0].second.emplace_back(double(e));
      curve.columns[1].second.emplace_back(job.losses[e]);
    }
    const std::string name = job.method == Method::kFull ? job.tasks[0].name + "/" : "";
    result.series.emplace_back("loss/" + name + job.name(), curve);
  }
  const Method first = method_named(config.train[0]);
  const int64_t total = config.hidden * (kPixels + kClasses + 1);
  result.model = {{"hidden", config.hidden},
                  {"trained_params", trained_parameters(first, config.hidden)},
                  {"total_params", total},
                  {"preactivations", program.kept()},
                  {"set_of_tasks", std::string("ours, from real pixels")}};
  const std::string source = "arXiv 2407.00957, figure 2 (10,000 units)";
  if (!mask_task.empty()) {
    result.published = {{"mask/on_fraction", 0.45, source}, {"mask/corr_tv", 0.46, source}};
    if (tv[0].count(mask_task) != 0)
      result.published.push_back({mask_task + "/on_fraction", 0.6, source});
  }
  return result;
}

io::SafeTensors biases_of(const FeedforwardProgram& program, const TrainFnnConfig& config,
                          size_t seed_index, int64_t seed) {
  io::SafeTensors out;
  for (const Job& job : program.jobs()) {
    const bool bias = job.method == Method::kBias, mask = job.method == Method::kMask;
    if (job.seed_index != seed_index || (!bias && !mask)) continue;
    for (size_t t = 0; t < job.tasks.size(); ++t)
      out.tensors[(bias ? "b/" : "s/") + job.tasks[t].name] =
          io::Tensor::from_float32({config.hidden}, job.trained[t].values.data());
  }
  out.metadata = {{"seed", fmt::format("{}", seed)},
                  {"weights", config.weights},
                  {"range", fmt::format("{}", config.range)},
                  {"hidden", fmt::format("{}", config.hidden)},
                  {"weights_hash", program.weights(seed_index).hash()}};
  return out;
}

}  // namespace tenfold::bias_learning
