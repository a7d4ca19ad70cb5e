// `baseline`: predictors that learn nothing, on the validation tasks of a run with the same
// options.

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "common/core/error.h"
#include "tools/prequential-icl/commands.h"
#include "tools/prequential-icl/exact_predictors.h"
#include "tools/prequential-icl/hmm_reference.h"
#include "tools/prequential-icl/report.h"
#include "tools/prequential-icl/task_source.h"

namespace tenfold::prequential_icl {
namespace {

constexpr int64_t kTasksAtOnce = 64;

RunData validation_tasks(const TaskConfig& task, int64_t seed) {
  if (!task.data.empty()) return load_run_data(task, uint64_t(seed));
  const TaskSource source(task, uint64_t(seed));
  RunData run;
  run.data.task = task.task;
  run.data.shape = source.shape();
  run.data.noise = *task.noise;
  run.hmm = source.hmm();
  run.data.val = source.draw("val", uint64_t(seed), *task.n_val_tasks, *task.n_samples, false);
  return run;
}

const at::Tensor& parameter_of(const MetaSplit& split, const std::string& name,
                               const BaselineConfig& config) {
  const auto found = split.param.find(name);
  if (found != split.param.end()) return found->second;
  throw DataError(fmt::format("--data {}: no val.param.{}, which --method {} needs",
                              config.task.data, name, config.method));
}

// The prior of a linear family: an input that has no weight in any task has none at all.
LinearPrior prior_of(const RunData& tasks, const BaselineConfig& config) {
  LinearPrior prior;
  prior.noise = tasks.data.noise;
  const bool any_weights = config.method == "ridge" || config.method == "least-squares";
  if (any_weights && tasks.data.val.param.count("w") == 0) {
    prior.kept.assign(size_t(tasks.data.shape.x_dim()), true);
    return prior;
  }
  const at::Tensor& w = parameter_of(tasks.data.val, "w", config);
  for (int64_t d = 0; d + 1 < w.size(1); ++d)
    prior.kept.push_back(w.select(1, d).abs().max().item<double>() > 0);
  return prior;
}

// Sums losses over batches of tasks in the order of an evaluation.
class Scorer {
 public:
  Scorer(const BaselineConfig& config, const RunData& tasks, int64_t seed)
      : config_(config), tasks_(tasks), seed_(uint64_t(seed)) {}

  LabelledCurve run() {
    const MetaSplit& split = tasks_.data.val;
    if (tasks_.data.shape.kind == DataKind::kTokens && config_.method != "marginal") {
      hmm();
    } else {
      const Batcher batcher(tasks_.data.shape, split, seed_, "points/val", at::kCPU);
      for (int64_t first = 0; first < split.tasks(); first += kTasksAtOnce) {
        const int64_t count = std::min(kTasksAtOnce, split.tasks() - first);
        batch(batcher.evaluation(first, count, false), first, count);
      }
    }
    LabelledCurve out;
    out.seed = int64_t(seed_);
    out.evaluation.contexts = {0, split.points() - 1};
    out.evaluation.tasks = split.tasks();
    out.evaluation.next = next_.curve();
    out.expected = expected_.curve().mean;
    return out;
  }

 private:
  void batch(const Batch& b, int64_t first, int64_t count) {
    const std::string& method = config_.method;
    const DataShape& shape = tasks_.data.shape;
    if (method == "marginal") {
      next_.add(marginal_label_losses(b, shape.y_vals));
    } else if (shape.kind == DataKind::kLabels) {
      // Who knows the code knows the labels.
      next_.add(method == "bayes" ? mastermind_bayes_losses(b, sizes())
                                  : at::Tensor(b.x.sum(2).to(at::kDouble) * 0));
    } else if (method == "oracle") {
      if (!family_) family_ = TaskSource(config_.task, seed_).family("val");
      const at::Tensor& theta = parameter_of(tasks_.data.val, family_->parameter_name, config_);
      next_.add(known_function_losses(b, *family_, theta.narrow(0, first, count)));
    } else {
      const LinearLosses losses = linear_losses(b, prior_of(tasks_, config_),
                                                method == "bayes"   ? LinearMethod::kBayes
                                                : method == "ridge" ? LinearMethod::kRidge
                                                                    : LinearMethod::kLeastSquares);
      next_.add(losses.squared);
      if (method == "bayes") expected_.add(losses.expected);
    }
  }

  MastermindSizes sizes() const {
    const DataShape& shape = tasks_.data.shape;
    MastermindSizes sizes = mastermind_sizes(config_.task);
    sizes.code_length = int64_t(shape.x_vals.size());
    sizes.colours = shape.x_vals[0];
    return sizes;
  }

  void hmm() {
    if (!tasks_.hmm) {
      throw UsageError(fmt::format("--method {}: a file's HMM is not rebuilt; expected no --data",
                                   config_.method));
    }
    const MetaSplit& split = tasks_.data.val;
    std::vector<int64_t> latents;
    const int64_t all = tasks_.hmm->sizes.latents();
    if (config_.latents > 0 && config_.latents < all)
      latents = Stream(seed_, "baseline/latents").sample_sorted(all, config_.latents);
    const at::Tensor log_p =
        config_.method == "bayes"
            ? oracle_log_probabilities(*tasks_.hmm, split, split.tasks(), latents)
            : known_log_probabilities(*tasks_.hmm, split, split.tasks());
    next_.add(-log_p.gather(2, split.y.to(at::kLong)).squeeze(2));
  }

  const BaselineConfig& config_;
  const RunData& tasks_;
  uint64_t seed_;
  std::unique_ptr<Family> family_;
  CurveSum next_, expected_;
};

}  // namespace

int baseline(const BaselineConfig& config, cli::Run& run) {
  CurveReport report;
  report.contexts = config.contexts;
  report.sigma = config.sigma;
  log::Result result;
  result.seeds = run.options().seed;
  for (int64_t seed : run.options().seed) {
    const RunData tasks = validation_tasks(config.task, seed);
    if (report.curves.empty()) {
      report.kind = tasks.data.shape.kind;
      result.data = data_facts(tasks);
    }
    if (run.options().dry_run) break;
    report.curves.push_back(Scorer(config, tasks, seed).run());
    require_contexts(config.contexts, report.curves.back().evaluation.contexts);
  }
  result.model = {{"method", config.method}, {"parameters", int64_t(0)}};
  if (!report.curves.empty()) add_curves(result, report);
  run.emit(result, "baseline/1");
  return 0;
}

}  // namespace tenfold::prequential_icl
