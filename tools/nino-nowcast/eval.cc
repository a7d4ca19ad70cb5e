// `eval`: nowcast errors on snapshots or trajectories, or a table of `train` results
// (specification, section 5.1).

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/core/error.h"
#include "common/data/tensor_io.h"
#include "common/io/file.h"
#include "tools/nino-nowcast/commands.h"
#include "tools/nino-nowcast/embedding.h"
#include "tools/nino-nowcast/lpe.h"
#include "tools/nino-nowcast/report.h"
#include "tools/nino-nowcast/scaling.h"
#include "tools/nino-nowcast/states.h"
#include "tools/nino-nowcast/training.h"
#include "tools/nino-nowcast/trajectories.h"

namespace tenfold::nino_nowcast {
namespace {

struct Method {
  std::string label;
  std::unique_ptr<Nowcaster> nowcaster;
};

// Sums of |prediction - actual| in scaled space, by method and horizon.
struct Errors {
  std::map<int64_t, double> sum;
  std::map<int64_t, int64_t> count;
};

std::vector<MetaModel> checkpoints(const EvalConfig& config) {
  std::vector<MetaModel> models;
  for (const std::string& path : config.nowcast.ckpt) models.push_back(load_meta_model(path));
  if (models.empty()) models.push_back(embedded_meta_model(MetaKind::kNino));
  for (const MetaModel& m : models) {
    if (m.config.ctx != models[0].config.ctx) {
      throw Mismatch(fmt::format("{}: looks at {} snapshots, but {} at {}", m.source, m.config.ctx,
                                 models[0].source, models[0].config.ctx));
    }
  }
  return models;
}

std::string stem(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.substr(0, name.rfind('.'));
}

std::vector<Method> make_methods(const std::vector<MetaModel>& models, const Architecture& arch,
                                 const NowcastOptions& options) {
  int64_t longest = 1;
  for (const MetaModel& m : models) longest = std::max(longest, m.config.seq_len);
  std::vector<Method> methods;
  methods.push_back({"noop", make_noop(longest)});
  methods.push_back({"linefit", make_linefit(longest)});
  methods.push_back({"lawa", make_lawa(longest)});
  for (const MetaModel& m : models)
    methods.push_back({stem(m.source), make_nowcaster(m, arch, options)});
  return methods;
}

bool wanted(const std::vector<int64_t>& horizons, int64_t k) {
  return horizons.empty() || std::count(horizons.begin(), horizons.end(), k) > 0;
}

// One window: states [P, c], future [P, n]. Errors are measured with the m and s of the inputs.
void score_window(const std::vector<Method>& methods, const Architecture& arch,
                  const at::Tensor& states, const at::Tensor& future,
                  const std::vector<int64_t>& horizons, std::vector<Errors>& errors) {
  const at::Tensor inputs = states.contiguous();
  const Scales scales = fit_scales(inputs.data_ptr<float>(), inputs.size(1), arch.params, {});
  const auto scaled = [&](const at::Tensor& column) {
    at::Tensor out = column.contiguous().clone();
    apply_scales(scales, out.data_ptr<float>(), 1, out.data_ptr<float>());
    return out;
  };
  for (int64_t k = 1; k <= future.size(1); ++k) {
    if (!wanted(horizons, k)) continue;
    const at::Tensor actual = scaled(future.select(1, k - 1));
    for (size_t m = 0; m < methods.size(); ++m) {
      if (k > methods[m].nowcaster->max_horizon()) continue;
      const at::Tensor error = scaled(methods[m].nowcaster->predict(inputs, k)) - actual;
      errors[m].sum[k] += error.abs().sum(at::kDouble).item<double>();
      errors[m].count[k] += error.numel();
    }
  }
}

void report_errors(const std::vector<Method>& methods, const std::vector<Errors>& errors,
                   log::Result& result) {
  log::Table table{{"method", "k", "l1_error", "n"}, {}};
  for (size_t m = 0; m < methods.size(); ++m) {
    double sum = 0;
    int64_t count = 0;
    for (const auto& [k, total] : errors[m].sum) {
      const int64_t n = errors[m].count.at(k);
      table.rows.push_back({methods[m].label, k, total / double(n), n});
      sum += total;
      count += n;
    }
    log::Metric metric;
    if (count > 0) metric.value = sum / double(count);
    if (count == 0) metric.reason = "no horizon to compare with";
    metric.n = count;
    metric.higher_is_better = false;
    result.metrics.emplace_back("l1_error/" + methods[m].label, metric);
  }
  result.tables.emplace_back("per_k", table);
}

void eval_states(const EvalConfig& config, const cli::Run& run, log::Result& result) {
  const Architecture arch = read_architecture(config.arch, config.nowcast.graph == "generic");
  const io::SafeTensors file = io::read_safetensors(config.states);
  const std::vector<MetaModel> models = checkpoints(config);
  const at::Tensor states = read_states(file, config.states, arch, models[0].config.ctx);
  const at::Tensor future = data::to_torch_float(file.at("future", config.states), "future");
  if (future.dim() != 2 || future.size(0) != arch.num_params()) {
    throw DataError(fmt::format("{}: 'future' must have {} rows (parameters)", config.states,
                                arch.num_params()));
  }
  NowcastOptions options = nowcast_options(config.nowcast, uint64_t(run.options().seed.at(0)));
  options.pos = read_pos(config.pos, file, config.states, false);
  const std::vector<Method> methods = make_methods(models, arch, options);
  std::vector<Errors> errors(methods.size());
  score_window(methods, arch, states, future, config.horizons, errors);
  result.data = {{"name", config.states}, {"origin", std::string("user")}};
  report_errors(methods, errors, result);
}

// Where the runs are, as every NiNo among the checkpoints sees them: one row a window.
class EmbeddingTable {
 public:
  EmbeddingTable(const std::vector<MetaModel>& models, const Architecture& arch, uint64_t seed)
      : models_(models), arch_(arch), graph_(build_graph(arch, {})) {
    for (const MetaModel& m : models_) {
      const LaplacianEncoding lpe = laplacian_encoding(graph_, m.config.lpe, seed);
      at::Tensor pos = at::empty({graph_.num_nodes, m.config.lpe});
      std::copy(lpe.pos.begin(), lpe.pos.end(), pos.data_ptr<float>());
      pos_.push_back(pos);
    }
  }

  void add(int64_t run, int64_t step, const at::Tensor& states) {
    for (size_t i = 0; i < models_.size(); ++i) {
      const GraphEmbedding e = embed(models_[i], arch_, graph_, pos_[i], states);
      table_.rows.push_back(
          {stem(models_[i].source), run, step, numbers_of(e.nodes), numbers_of(e.edges)});
    }
  }
  const log::Table& table() const { return table_; }

 private:
  static std::vector<double> numbers_of(const at::Tensor& t) {
    const float* values = t.data_ptr<float>();
    return {values, values + t.numel()};
  }

  const std::vector<MetaModel>& models_;
  const Architecture& arch_;
  NeuralGraph graph_;
  std::vector<at::Tensor> pos_;
  log::Table table_{{"checkpoint", "run", "step", "nodes", "edges"}, {}};
};

void eval_trajectories(const EvalConfig& config, const cli::Run& run, log::Result& result) {
  const TrajectoryReader reader(config.trajectories, config.tasks_name);
  const TrajectoryInfo& info = reader.info();
  if (config.spacing % info.every != 0) {
    throw UsageError(
        fmt::format("--spacing: found {}, expected a multiple of {}", config.spacing, info.every));
  }
  const std::vector<MetaModel> models = checkpoints(config);
  const int64_t ctx = models[0].config.ctx, step = config.spacing / info.every;
  const int64_t used = (info.states - 1) / step + 1, p = info.arch.num_params();
  const auto options = nowcast_options(config.nowcast, uint64_t(run.options().seed.at(0)));
  const std::vector<Method> methods = make_methods(models, info.arch, options);
  std::vector<Errors> errors(methods.size());
  std::vector<int64_t> runs = config.runs;
  for (int64_t r = 0; runs.empty() || (config.runs.empty() && int64_t(runs.size()) < info.runs);
       ++r)
    runs.push_back(r);
  std::optional<EmbeddingTable> embeddings;
  if (config.embeddings) embeddings.emplace(models, info.arch, options.seed);
  int64_t longest = 0;
  for (const MetaModel& m : models) longest = std::max(longest, m.config.seq_len);
  if (used <= ctx) {
    throw DataError(fmt::format("{}/{}: found {} states {} steps apart, expected more than {}",
                                config.trajectories, config.tasks_name, used, config.spacing, ctx));
  }
  for (int64_t r : runs) {
    if (r >= info.runs)
      throw UsageError(fmt::format("--runs: found {}, expected 0..{}", r, info.runs - 1));
    at::Tensor states = at::empty({p, used});
    for (int64_t s = 0; s < used; ++s) reader.read(r, s * step, states.data_ptr<float>() + s, used);
    for (int64_t first = 0; first + ctx < used; first += ctx) {
      const int64_t n = std::min(longest, used - first - ctx);
      const at::Tensor window = states.narrow(1, first, ctx);
      score_window(methods, info.arch, window, states.narrow(1, first + ctx, n), config.horizons,
                   errors);
      if (embeddings) embeddings->add(r, (first + ctx - 1) * config.spacing, window);
    }
  }
  result.data = {{"name", config.trajectories + "/" + config.tasks_name},
                 {"origin", std::string("user")},
                 {"digest", "xxh3:" + info.digest}};
  report_errors(methods, errors, result);
  if (embeddings) result.tables.emplace_back("embeddings", embeddings->table());
}

// What results must share to be put into one table.
std::string protocol_of(const nlohmann::json& json) {
  const nlohmann::json& config = json.at("config");
  const nlohmann::json& model = json.at("model");
  return fmt::format("task {}, {} parameters, {} lr {}, target {}, {} steps, evaluated every {}",
                     model.at("task").dump(), model.at("num_params").dump(),
                     config.at("optimizer").dump(), model.at("lr").dump(),
                     model.at("target").dump(), config.at("max-train-steps").dump(),
                     config.at("eval-every").dump());
}

struct StepsTable {
  std::map<std::string, std::vector<std::optional<int64_t>>> steps;  // by nowcaster, over seeds
  std::string protocol, first_file;
  int64_t max_steps = 0;

  void add(const std::string& path) {
    const nlohmann::json json = nlohmann::json::parse(io::read_text(path), nullptr, false);
    try {
      if (json.at("schema") != "nino-nowcast.train/1") {
        throw DataError(path + ": schema is not nino-nowcast.train/1");
      }
      if (json.at("status") != "complete") {
        throw DataError(path + ": a partial result, expected a complete one: resume the run");
      }
      const std::string own = protocol_of(json);
      if (!protocol.empty() && own != protocol) {
        throw DataError(
            fmt::format("{}: found {}, expected {} as in {}", path, own, protocol, first_file));
      }
      if (protocol.empty()) first_file = path;
      protocol = own;
      max_steps = json.at("config").at("max-train-steps").get<int64_t>();
      for (const auto& [name, metric] : json.at("metrics").items()) {
        const std::string prefix = "steps_to_target/";
        if (name.rfind(prefix, 0) != 0) continue;
        for (const auto& s : metric.at("per_seed")) {
          steps[name.substr(prefix.size())].push_back(
              s.is_null() ? std::nullopt : std::optional<int64_t>(s.get<double>()));
        }
      }
    } catch (const nlohmann::json::exception&) {
      throw DataError(path + ": expected a result.json of nino-nowcast train");
    }
  }
};

// Steps to target of every nowcaster over the seeds of all files. A seed that missed the target
// counts as 2 * max-train-steps in the median; the mean is null where there is one.
void eval_results(const EvalConfig& config, log::Result& result) {
  StepsTable all;
  for (const std::string& path : config.results) all.add(path);
  log::Table table{
      {"nowcaster", "n_seeds", "n_reached", "median_steps", "mean", "reduction_pct_vs_adam"}, {}};
  const auto base_seeds = all.steps.find("none");
  const log::Metric base = base_seeds == all.steps.end()
                               ? log::Metric()
                               : median_steps(base_seeds->second, all.max_steps);
  const auto value_or_null = [](bool known, double value) {
    return known ? log::Value(value) : log::Value(nullptr);
  };
  for (const auto& [name, seeds] : all.steps) {
    const log::Metric median = median_steps(seeds, all.max_steps);
    double sum = 0;
    int64_t reached = 0;
    for (const auto& s : seeds) {
      sum += double(s.value_or(0));
      reached += s.has_value();
    }
    const auto n = int64_t(seeds.size());
    const double mid = median.value.value_or(0);
    const bool known = base.value && median.value;
    table.rows.push_back(
        {name, n, reached, value_or_null(median.value.has_value(), mid),
         value_or_null(reached == n, sum / double(n)),
         value_or_null(known, known ? 100 * (*base.value - mid) / *base.value : 0)});
    result.metrics.emplace_back("median_steps/" + name, median);
  }
  result.tables.emplace_back("steps_to_target", table);
  result.data = {{"name", config.results}, {"origin", std::string("user")}};
}

}  // namespace

int evaluate(const EvalConfig& config, cli::Run& run) {
  require_cpu(run);
  log::Result result;
  result.seeds = run.options().seed;
  if (!config.states.empty()) eval_states(config, run, result);
  if (!config.trajectories.empty()) eval_trajectories(config, run, result);
  if (!config.results.empty()) eval_results(config, result);
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::nino_nowcast
