#include "tools/bias-learning/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "common/log/logger.h"
#include "common/stats/correlation.h"
#include "tools/bias-learning/seed_metrics.h"
#include "tools/bias-learning/task_variance.h"

namespace tenfold::bias_learning {
namespace {

// Of a task's values those of its units; output biases come after them.
std::vector<double> first_of(const std::vector<float>& v, size_t units) {
  return {v.begin(), v.begin() + int64_t(units)};
}

double share_above(const std::vector<double>& v, double threshold) {
  return double(std::count_if(v.begin(), v.end(), [&](double x) { return x > threshold; })) /
         double(v.size());
}

using Variances = std::map<std::string, std::vector<double>>;  // task -> [units]

// Accuracies by what was swept: a row a network, means over the seeds.
log::Series sweep(const FeedforwardProgram& program, const TrainFnnConfig& config,
                  const SeedMetrics& metrics) {
  const std::vector<Network> networks = config.networks();
  const bool widths = config.hidden.size() > 1;
  log::Series out{widths ? "hidden" : "range", {{widths ? "hidden" : "range", {}}}};
  for (const Network& n : networks)
    out.columns[0].second.emplace_back(widths ? double(n.weights.hidden) : n.weights.range);
  for (const Job& job : program.jobs()) {
    const std::string& method = kMethodNames[size_t(job.method)];
    const auto column = [&](const std::string& name) -> std::vector<std::optional<double>>& {
      for (auto& [there, values] : out.columns)
        if (there == name) return values;
      return out.columns.emplace_back(name, std::vector<std::optional<double>>(networks.size()))
          .second;
    };
    column("trained_params/" + method)[job.asked] =
        double(trained_parameters(job.method, job.network, job.tasks[0].classes()));
    for (const TaskName& task : job.tasks) {
      const std::string name = task.name + "/" + method;
      column(name)[job.asked] =
          metrics.mean(name + "/" + config.label(job.asked) + "/test_accuracy");
    }
  }
  return out;
}

void add_clusters(log::Result& result, const FeedforwardProgram& program,
                  const TrainFnnConfig& config, const Variances& tv) {
  std::vector<std::vector<double>> rows, biases;
  for (const std::string& task : config.tasks) {
    rows.push_back(tv.at(task));
    for (const Job& job : program.jobs())
      for (size_t t = 0; t < job.tasks.size(); ++t)
        if (job.seed_index == 0 && job.method == Method::kBias && job.tasks[t].name == task)
          biases.push_back(first_of(job.trained[t].values, rows.back().size()));
  }
  const UnitClusters found =
      cluster_units(rows, config.cluster_count(), uint64_t(program.jobs()[0].seed));
  if (found.sizes.empty()) {
    log::warning(
        fmt::format("--clusters: found {} units that vary, expected at least {}: none made",
                    found.units.size(), std::max<int64_t>(config.cluster_count(), 2)));
    return;
  }
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

// Of one network and one seed, which are the key.
struct UnitFigures {
  struct Mask {
    std::string task;
    std::vector<double> on;  // 0 or 1
  };
  std::map<std::pair<size_t, size_t>, Variances> tv;
  std::map<std::pair<size_t, size_t>, std::vector<Mask>> masks;  // in the order of the tasks
};

std::string prefix_of(const TrainFnnConfig& config, size_t network) {
  const std::string label = config.label(network);
  return label.empty() ? "" : label + "/";
}

void measure(FeedforwardProgram& program, const TrainFnnConfig& config, const Job& job,
             SeedMetrics& metrics, UnitFigures& figures) {
  const std::string label = prefix_of(config, job.asked);
  const auto units = size_t(job.network.units());
  const std::pair<size_t, size_t> key = {job.asked, job.seed_index};
  for (size_t t = 0; t < job.tasks.size(); ++t) {
    const std::string& task = job.tasks[t].name;
    const std::string at = task + "/" + kMethodNames[size_t(job.method)] + "/" + label;
    const Score score = program.test_score(job, t);
    metrics.set(at + "test_accuracy", job.seed_index, score.accuracy, true);
    if (job.epochs > 0)
      metrics.set(at + "train_accuracy", job.seed_index, job.train_accuracy[t], true);
    metrics.set(at + "loss", job.seed_index, score.loss, false);
    const std::vector<float>& values = job.trained[t].values;
    if (job.method == Method::kBias) {
      Preactivations& z = program.test_set(job);
      const std::vector<double>& tv = figures.tv[key][task] =
          task_variance(job.trained[t], program.weights(job), z);
      metrics.set(task + "/" + label + "spearman", job.seed_index,
                  stats::rank_correlation(first_of(values, units), tv));
      metrics.set(task + "/" + label + "on_fraction", job.seed_index, share_above(tv, kOnVariance));
    } else if (job.method == Method::kMask) {
      UnitFigures::Mask& mask = figures.masks[key].emplace_back();
      mask.task = task;
      for (const double s : first_of(values, units)) mask.on.push_back(s > 0);
    }
  }
}

void add_mask_metrics(const TrainFnnConfig& config, const UnitFigures& figures,
                      SeedMetrics& metrics) {
  for (const auto& [key, masks] : figures.masks) {
    const std::string label = prefix_of(config, key.first);
    const auto of_network = figures.tv.find(key);
    for (const UnitFigures::Mask& mask : masks) {
      const double count = std::count(mask.on.begin(), mask.on.end(), 1.0);
      std::optional<double> with_variance;
      if (of_network != figures.tv.end() && of_network->second.count(mask.task) != 0) {
        std::vector<double> varies;
        for (const double v : of_network->second.at(mask.task)) varies.push_back(v > kOnVariance);
        with_variance = stats::correlation(mask.on, varies);
      }
      // The first task's also by the specification's names, which tell no task.
      const std::vector<std::string> names = {"mask/" + label, mask.task + "/mask/" + label};
      for (size_t i = &mask == &masks[0] ? 0 : 1; i < names.size(); ++i) {
        metrics.set(names[i] + "on_units", key.second, count, std::nullopt, "units");
        metrics.set(names[i] + "on_fraction", key.second, count / double(mask.on.size()));
        if (with_variance) metrics.set(names[i] + "corr_tv", key.second, with_variance);
      }
    }
  }
}

}  // namespace

log::Facts facts_of(const TrainFnnConfig& config, const std::map<std::string, DataSet>& data) {
  log::Facts out;
  bool real = true;
  for (const auto& [name, set] : data) {
    real = real && set.origin == "real";
    for (const auto& [file, digest] : set.digests)
      out.emplace_back("digest/" + name + "/" + file, digest);
    out.emplace_back("train_images/" + name, set.train.count);
    out.emplace_back("test_images/" + name, set.test.count);
  }
  out.insert(out.begin(), {{"name", config.data}, {"origin", std::string(real ? "real" : "user")}});
  return out;
}

log::Result fnn_result(FeedforwardProgram& program, const TrainFnnConfig& config,
                       const std::map<std::string, DataSet>& data, const train::Outcome& outcome) {
  log::Result result;
  result.complete = outcome.complete;
  result.stopped_by = outcome.stopped_by;
  size_t seeds = 0;
  for (const Job& job : program.jobs()) seeds = std::max(seeds, job.seed_index + 1);
  result.data = facts_of(config, data);
  const bool swept = config.networks().size() > 1;
  SeedMetrics metrics(seeds);
  UnitFigures units;
  for (const Job& job : program.jobs())
    if (job.done()) measure(program, config, job, metrics, units);
  add_mask_metrics(config, units, metrics);
  metrics.write(result);
  if (swept)
    result.series.emplace_back(config.hidden.size() > 1 ? "widths" : "ranges",
                               sweep(program, config, metrics));
  if (program.seconds_trained() > 0) {
    log::Metric speed;
    speed.value = double(program.images_trained()) / program.seconds_trained();
    speed.unit = "images/s";
    speed.higher_is_better = true;
    result.metrics.emplace_back("images_per_second", speed);
  }
  const Variances& tv = units.tv[{0, 0}];
  if (!swept && config.tasks.size() > 1 && tv.size() == config.tasks.size())
    add_clusters(result, program, config, tv);
  for (const Job& job : program.jobs()) {
    for (size_t t = 0; t < job.tasks.size() && job.begun(); ++t) {
      log::Series curve{"epoch", {{"epoch", {}}, {"loss", {}}}};
      for (size_t e = 0; e < job.losses[t].size(); ++e) {
        curve.columns[0].second.emplace_back(double(e));
        curve.columns[1].second.emplace_back(job.losses[t][e]);
      }
      result.series.emplace_back(fmt::format("loss/{}/{}", job.name(t), job.seed), curve);
    }
  }
  const Network network = config.networks()[0];
  const int64_t classes = parse_task(config.tasks[0], parse_sources(config.data)).classes();
  const auto trained = [&](const std::string& name) {
    const Method method = method_named(name);
    return trained_parameters(method, network_of(method, network, classes), classes);
  };
  result.model = {{"hidden", network.weights.hidden},
                  {"layers", network.weights.layers},
                  {"trained_params", trained(config.train[0])},
                  {"total_params", total_parameters(network, classes)},
                  {"output_bias", network.output_bias},
                  {"preactivations", program.kept(network)},
                  {"set_of_tasks", std::string("ours, from real pixels")}};
  for (const std::string& method : config.train)
    result.model.emplace_back("trained_params/" + method, trained(method));
  const std::string source = "arXiv 2407.00957, figure 2 (10,000 units)";
  if (!units.masks.empty() && !swept) {
    const std::string& mask_task = units.masks.begin()->second[0].task;
    result.published = {{"mask/on_fraction", 0.45, source}, {"mask/corr_tv", 0.46, source}};
    if (tv.count(mask_task) != 0)
      result.published.push_back({mask_task + "/on_fraction", 0.6, source});
  }
  return result;
}

std::string biases_file(const TrainFnnConfig& config, const std::vector<int64_t>& seeds,
                        size_t network, size_t seed_index) {
  std::string name = "biases";
  if (const std::string label = config.label(network); !label.empty()) name += "-" + label;
  if (seeds.size() > 1) name += fmt::format("-{}", seeds[seed_index]);
  return name + ".safetensors";
}

std::map<std::string, std::string> metadata_of(const RandomWeights& weights, const Network& network,
                                               uint64_t seed,
                                               const std::map<std::string, DataSet>& data) {
  const WeightSpec& spec = weights.spec;
  std::map<std::string, std::string> out = {
      {"activation", kActivationNames[size_t(network.activation)]},
      {"residual", spec.residual ? "true" : "false"},
      {"seed", fmt::format("{}", seed)},
      {"weights", spec.kind},
      {"range", fmt::format("{}", spec.range)},
      {"hidden", fmt::format("{}", spec.hidden)},
      {"layers", fmt::format("{}", spec.layers)},
      {"weights_hash", weights.hash()}};
  for (const auto& [name, set] : data)
    for (const auto& [file, digest] : set.digests) out["data/" + name + "/" + file] = digest;
  return out;
}

io::SafeTensors biases_of(FeedforwardProgram& program, const TrainFnnConfig& config, size_t network,
                          size_t seed_index) {
  io::SafeTensors out;
  for (const Job& job : program.jobs()) {
    const bool bias = job.method == Method::kBias, mask = job.method == Method::kMask;
    if (job.asked != network || job.seed_index != seed_index || (!bias && !mask)) continue;
    const WeightSpec& spec = job.network.weights;
    std::vector<int64_t> shape = {spec.hidden};
    if (spec.layers > 1) shape.insert(shape.begin(), spec.layers);
    for (size_t t = 0; t < job.tasks.size(); ++t) {
      const std::string& task = job.tasks[t].name;
      const std::vector<float>& values = job.trained[t].values;
      out.tensors[(bias ? "b/" : "s/") + task] = io::Tensor::from_float32(shape, values.data());
      if (job.network.output_bias)
        out.tensors["c/" + kMethodNames[size_t(job.method)] + "/" + task] =
            io::Tensor::from_float32({job.tasks[t].classes()}, values.data() + job.network.units());
    }
    if (out.metadata.empty())
      out.metadata = metadata_of(program.weights(job), job.network, job.seed, program.data());
  }
  return out;
}

}  // namespace tenfold::bias_learning
