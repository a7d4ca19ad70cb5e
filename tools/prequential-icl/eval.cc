// `eval`: the curve of a trained learner on its validation tasks, or on others.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linspace.h>
#include <fmt/format.h>

#include <algorithm>

#include "common/core/error.h"
#include "common/log/logger.h"
#include "common/nn/torch_device.h"
#include "tools/prequential-icl/commands.h"
#include "tools/prequential-icl/hmm_reference.h"
#include "tools/prequential-icl/learner_program.h"
#include "tools/prequential-icl/model_options.h"
#include "tools/prequential-icl/report.h"

namespace tenfold::prequential_icl {
namespace {

MetaSplit first_tasks(const MetaSplit& split, int64_t count, const std::string& path) {
  if (count > split.tasks()) {
    throw UsageError(
        fmt::format("--n-tasks: found {}, expected at most the {} validation tasks of {}", count,
                    split.tasks(), path));
  }
  const auto cut = [&](const at::Tensor& t) { return t.defined() ? t.narrow(0, 0, count) : t; };
  MetaSplit out{cut(split.x), cut(split.y), cut(split.x_ood), cut(split.y_ood), {}};
  for (const auto& [name, value] : split.param) out.param[name] = cut(value);
  return out;
}

// The tasks that a member is evaluated on. A file's training tasks stay unread.
RunData tasks_of(const EvalConfig& config, const StoredRun& stored, int64_t seed) {
  TaskConfig task = stored.config.task;
  if (!config.data.empty()) task.data = config.data;
  if (config.n_samples) task.n_samples = config.n_samples;
  if (config.n_tasks) task.n_val_tasks = config.n_tasks;
  RunData run;
  if (!task.data.empty()) {
    if (config.n_samples || config.seed) {
      throw UsageError(
          fmt::format("--n-samples, --seed: expected none, {} says points and tasks", task.data));
    }
    run = load_run_data(task, uint64_t(seed));
    if (config.n_tasks) run.data.val = first_tasks(run.data.val, *config.n_tasks, task.data);
    if (config.ood && !run.data.val.x_ood.defined())
      throw DataError(fmt::format("--ood: {}: found no val.x_ood", task.data));
    return run;
  }
  const TaskSource source(task, uint64_t(seed));
  run.data.task = task.task;
  run.data.shape = source.shape();
  run.hmm = source.hmm();
  const std::string split = config.seed ? "eval" : "val";
  run.data.val = source.draw(split, uint64_t(config.seed.value_or(seed)), *task.n_val_tasks,
                             *task.n_samples, config.ood);
  if (config.ood && !run.data.val.x_ood.defined())
    throw UsageError(fmt::format("--ood: --task {} has no out-of-distribution copy", task.task));
  return run;
}

void check_shape(const StoredRun& run, const DataShape& shape, const std::string& checkpoint) {
  if (run.x_dim == shape.x_dim() && run.y_dim == shape.y_dim()) return;
  throw Mismatch(
      fmt::format("--checkpoint {}: its learner reads x of {} and y of {} dimensions, the tasks "
                  "have {} and {}",
                  checkpoint, run.x_dim, run.y_dim, shape.x_dim(), shape.y_dim()));
}

// Section 5: the first four tasks, unpermuted, contexts 1, 5 and 50, along 100 inputs.
log::Table probe_table(const Learner& learner, const DataShape& shape, const RunData& tasks,
                       const Family* family) {
  constexpr int64_t kTasks = 4, kGrid = 100;
  const at::NoGradGuard guard;
  log::Table table{{"task", "n_samples", "part", "x", "true", "predicted"}, {}};
  const MetaSplit& split = tasks.data.val;
  const Batcher batcher(shape, split, 0, "probe", at::kCPU);
  const int64_t count = std::min(kTasks, split.tasks());
  const Batch batch = batcher.stored(0, count);
  const at::Tensor z = learner.summaries(batch.points.narrow(1, 0, batch.size() - 1));
  for (int64_t t = 0; t < count; ++t) {
    const at::Tensor x = split.x.select(0, t), y = split.y.select(0, t);
    const double low = x.min().item<double>(), high = x.max().item<double>(), range = high - low;
    const at::Tensor grid =
        at::linspace(low - 0.2 * range, high + 0.2 * range, kGrid).view({1, kGrid, 1});
    std::vector<float> truth(kGrid);
    if (family != nullptr) {
      const at::Tensor theta = split.param.begin()->second.select(0, t).contiguous();
      family->evaluate(theta.data_ptr<float>(), grid.data_ptr<float>(), kGrid, truth.data());
    }
    for (int64_t c : {1, 5, 50}) {
      if (c >= batch.size()) continue;
      const auto number = [](const at::Tensor& v, int64_t i) {
        return double(v.data_ptr<float>()[i]);
      };
      for (int64_t i = 0; i < c; ++i)
        table.rows.push_back({t, c, std::string("context"), number(x, i), number(y, i), nullptr});
      const at::Tensor prediction =
          learner.predict(grid, z.narrow(0, t, 1).narrow(1, c, 1).expand({1, kGrid, z.size(2)}))
              .contiguous();
      for (int64_t i = 0; i < kGrid; ++i) {
        table.rows.push_back(
            {t, c, std::string("grid"), number(grid, i),
             family == nullptr ? log::Value(nullptr) : log::Value(double(truth[size_t(i)])),
             number(prediction, i)});
      }
    }
  }
  return table;
}

void check_probe(const Learner& learner, const DataShape& shape) {
  const bool fits = shape.kind == DataKind::kRegression && shape.x_dim() == 1 && shape.y_dim() == 1;
  if (!fits || !learner.spec().has_bottleneck()) {
    throw UsageError(
        fmt::format("--probe-functions: found x of {} and y of {} dimensions, arch {}, expected x "
                    "and y of one dimension and a bottleneck",
                    shape.x_dim(), shape.y_dim(), learner.spec().arch));
  }
}

}  // namespace

int evaluate(const EvalConfig& config, cli::Run& run) {
  const StoredRun stored = open_stored_run(config.checkpoint);
  const LearnerOptions options = learner_options(stored.config);
  const c10::Device device = nn::torch_device(run.device());
  log::Result result;
  result.seeds = stored.seeds;
  CurveReport report;
  report.contexts = config.contexts;
  report.sigma = config.sigma;
  for (int64_t seed : stored.seeds) {
    const RunData tasks = tasks_of(config, stored, seed);
    const DataShape& shape = tasks.data.shape;
    check_shape(stored, shape, config.checkpoint);
    const Learner learner(fitted_spec(options.model, shape), uint64_t(seed), device);
    load_weights(stored, seed, learner.parameters());
    if (tasks.data.val.points() <= options.min_train_samples) {
      throw UsageError(
          fmt::format("--n-samples: found {}, expected more than --min-train-samples {}",
                      tasks.data.val.points(), options.min_train_samples));
    }
    if (stored.config.task.n_samples && tasks.data.val.points() > *stored.config.task.n_samples) {
      log::warning(fmt::format("contexts up to {}: longer than the {} points it was trained on",
                               tasks.data.val.points() - 1, *stored.config.task.n_samples));
    }
    const Batcher batcher(shape, tasks.data.val, uint64_t(config.seed.value_or(seed)), "points/val",
                          device);
    EvaluationOptions evaluation;
    evaluation.ood = config.ood;
    evaluation.degree = options.degree;
    if (tasks.hmm && options.oracle_sequences > 0)
      evaluation.oracle_log_p =
          oracle_log_probabilities(*tasks.hmm, tasks.data.val, options.oracle_sequences);
    const Contexts contexts =
        contexts_of(learner.spec(), shape.kind, options.min_train_samples, tasks.data.val.points());
    require_contexts(config.contexts, contexts);
    report.kind = shape.kind;
    report.curves.push_back({seed,
                             evaluate_learner(learner, shape, batcher, tasks.data.val, contexts,
                                              uint64_t(config.seed.value_or(seed)), evaluation),
                             {}});
    if (report.curves.size() > 1) continue;
    result.data = data_facts(tasks);
    result.model = model_facts(learner);
    result.model.emplace_back("objective", stored.config.objective);
    result.model.emplace_back("checkpoint", stored.checkpoint);
    result.model.emplace_back("min_train_samples", options.min_train_samples);
    if (options.degree >= 0) result.model.emplace_back("degree", options.degree);
    if (!config.probe_functions) continue;
    check_probe(learner, shape);
    std::unique_ptr<Family> family;
    if (config.data.empty() && stored.config.task.data.empty())
      family = TaskSource(stored.config.task, uint64_t(seed)).family("val");
    result.tables.emplace_back("probe_functions", probe_table(learner, shape, tasks, family.get()));
  }
  add_curves(result, report);
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::prequential_icl
