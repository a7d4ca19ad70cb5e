#include "tools/prequential-icl/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <limits>

#include "common/core/error.h"

namespace tenfold::prequential_icl {

const std::vector<std::string> kTaskNames = {"linear",    "sinusoid", "mastermind", "hmm",
                                             "chebyshev", "mlp",      "lowrank",    "dynamics"};
const std::vector<std::string> kArchNames = {"transformer", "two-stream", "interleaved",
                                             "mamba1",      "mamba2",     "decoder"};
const std::vector<std::string> kPredictorNames = {"mlp-concat", "linear", "mlp-hyper", "lowrank",
                                                  "polynomial"};

namespace {

constexpr int64_t kDynamicsDim = 60;  // 20 states of 3 numbers

template <class T>
void fill(std::optional<T>& field, T value) {
  if (!field) field = value;
}

void require_text(const std::string& option, const std::string& value) {
  if (value.empty()) throw UsageError(fmt::format("--{}: missing", option));
}

void check_linear(const TaskConfig& t) {
  if (t.intrinsic_dim && *t.intrinsic_dim > *t.x_dim) {
    throw UsageError(fmt::format("--intrinsic-dim: found {}, expected at most --x-dim {}",
                                 *t.intrinsic_dim, *t.x_dim));
  }
}

// An option beside what was asked for, where it would not be read.
struct Unread {
  const char* option;
  bool given;
};

void refuse(std::initializer_list<Unread> options, const std::string& beside) {
  for (const Unread& o : options) {
    if (o.given)
      throw UsageError(fmt::format("--{}: not read with {}, expected none", o.option, beside));
  }
}

// Options that other families of tasks read.
void refuse_unread(const TaskConfig& t) {
  const TaskConfig usual;
  const std::string& task = t.task;
  const std::string beside = "--task " + task;
  if (task != "linear") {
    refuse({{"intrinsic-dim", t.intrinsic_dim.has_value()},
            {"data-dist", t.data_dist != usual.data_dist},
            {"no-intrinsic-rows-shared", !t.intrinsic_rows_shared}},
           beside);
  }
  if (task != "sinusoid") refuse({{"no-fixed-freq", !t.fixed_freq}}, beside);
  if (task != "chebyshev")
    refuse({{"degree", t.degree != usual.degree}, {"standardise", t.standardise}}, beside);
  if (task != "mlp") refuse({{"activation", t.activation != usual.activation}}, beside);
  if (task != "mastermind") {
    refuse({{"code-length", t.code_length.has_value()},
            {"colours", t.colours.has_value()},
            {"code-colours", t.code_colours.has_value()}},
           beside);
  }
  if (task != "hmm")
    refuse({{"hmm-size", t.hmm_size != usual.hmm_size}, {"hmm-compat", t.hmm_compat}}, beside);
  if (task == "mastermind" || task == "hmm") {
    refuse({{"x-dim", t.x_dim.has_value()},
            {"y-dim", t.y_dim.has_value()},
            {"noise", t.noise.value_or(0) != 0},
            {"ood-style", t.ood_style != usual.ood_style}},
           beside);
  }
}

// A meta-dataset that exists says how many tasks of which points there are.
void refuse_generator_options(const TaskConfig& t, const std::string& file_option) {
  const TaskConfig usual;
  refuse({{"n-tasks", t.n_tasks.has_value()},
          {"n-val-tasks", t.n_val_tasks.has_value()},
          {"n-samples", t.n_samples.has_value()},
          {"x-dim", t.x_dim.has_value()},
          {"y-dim", t.y_dim.has_value()},
          {"noise", t.noise.has_value()},
          {"intrinsic-dim", t.intrinsic_dim.has_value()},
          {"code-length", t.code_length.has_value()},
          {"colours", t.colours.has_value()},
          {"code-colours", t.code_colours.has_value()},
          {"data-dist", t.data_dist != usual.data_dist},
          {"ood-style", t.ood_style != usual.ood_style},
          {"activation", t.activation != usual.activation},
          {"hmm-size", t.hmm_size != usual.hmm_size},
          {"hmm-compat", t.hmm_compat},
          {"no-intrinsic-rows-shared", !t.intrinsic_rows_shared},
          {"no-fixed-freq", !t.fixed_freq},
          {"standardise", t.standardise}},
         file_option + ", which says it");
}

void check_one_dimension(const TaskConfig& t) {
  if (*t.x_dim == 1 && *t.y_dim == 1) return;
  throw UsageError(fmt::format("--task {}: found --x-dim {} and --y-dim {}, expected 1 and 1",
                               t.task, *t.x_dim, *t.y_dim));
}

}  // namespace

void TaskConfig::resolve(const std::string& arch) {
  const bool hmm = task == "hmm", mastermind = task == "mastermind",
             chebyshev = task == "chebyshev";
  if (!data.empty()) return refuse_generator_options(*this, "--data");
  refuse_unread(*this);
  fill<int64_t>(n_tasks, small ? (hmm ? 10000 : 2000) : chebyshev ? 20000 : hmm ? 200000 : 10000);
  fill<int64_t>(n_val_tasks, small ? (hmm ? 500 : 2000) : hmm ? 50000 : 1000);
  const int64_t small_points = hmm ? 100 : chebyshev ? 32 : 24;
  const int64_t full_points = mastermind ? (arch == "mamba1" || arch == "mamba2" ? 1000 : 1350)
                              : arch == "mamba2" ? 800
                              : chebyshev        ? 50
                              : hmm              ? 200
                                                 : 1000;
  fill(n_samples, small ? small_points : full_points);
  fill<double>(noise, task == "linear" || chebyshev ? 0.2 : 0.0);
  if (mastermind) {
    fill<int64_t>(code_length, small ? 4 : 8);
    fill<int64_t>(colours, small ? 4 : 6);
    fill(code_colours, small ? *colours : std::max<int64_t>(*colours - 1, 1));
    if (*code_colours > *colours) {
      throw UsageError(fmt::format("--code-colours: found {}, expected at most --colours {}",
                                   *code_colours, *colours));
    }
  }
  if (task == "dynamics") {
    if (x_dim.value_or(kDynamicsDim) != kDynamicsDim ||
        y_dim.value_or(kDynamicsDim) != kDynamicsDim) {
      throw UsageError(fmt::format("--task dynamics: --x-dim and --y-dim are {}", kDynamicsDim));
    }
    x_dim = y_dim = kDynamicsDim;
  }
  if (hmm || mastermind) return;
  fill<int64_t>(x_dim, task == "linear" ? 3 : 1);
  fill<int64_t>(y_dim, 1);
  if (task == "linear") {
    fill(intrinsic_dim, *x_dim);
    check_linear(*this);
  }
  if (chebyshev) check_one_dimension(*this);
  if (task == "sinusoid" && *y_dim != 1) {
    throw UsageError(fmt::format("--y-dim: found {}, expected 1 (--task sinusoid)", *y_dim));
  }
  if (task == "sinusoid" && fixed_freq && *x_dim > 10) {
    throw UsageError(
        fmt::format("--x-dim: found {}, expected at most 10, for which there are frequencies (or "
                    "--no-fixed-freq)",
                    *x_dim));
  }
}

void ModelConfig::resolve(const TaskConfig& task) {
  const bool small = task.small, hmm = task.task == "hmm";
  if (task.task == "chebyshev" && predictor == "mlp-concat" && arch == "transformer" && !z_dim &&
      !pred_h_dim) {
    predictor = "polynomial";  // section 2.5: the head of this experiment
  }
  fill<int64_t>(h_dim, small ? 64 : 256);
  fill<int64_t>(n_layers, small ? 2 : 4);
  fill<int64_t>(pred_layers, predictor == "lowrank" ? 2 : 5);
  fill<int64_t>(pred_h_dim, predictor == "lowrank"     ? 1024
                            : predictor == "mlp-hyper" ? 16
                            : small                    ? 64
                                                       : 256);
  if (predictor == "polynomial") fill<int64_t>(z_dim, 16);
  if (predictor == "linear" && task.x_dim) fill(z_dim, (*task.x_dim + 1) * *task.y_dim);
  if (predictor == "mlp-hyper" && task.x_dim) {
    const int64_t h = *pred_h_dim;
    fill(z_dim, (*task.x_dim + 1) * h + (*pred_layers - 2) * (h + 1) * h + (h + 1) * *task.y_dim);
  }
  // What a file's points need is known when it is read.
  const bool weights_of_points = predictor == "linear" || predictor == "mlp-hyper";
  if (!weights_of_points || task.data.empty()) fill<int64_t>(z_dim, small ? 32 : 128);
  const bool bottleneck = arch == "transformer" || arch == "mamba1" || arch == "mamba2";
  if (!bottleneck) refuse({{"predictor", predictor != "mlp-concat"}}, "--arch " + arch);
  if (arch != "mamba2") refuse({{"mamba-head-dim", mamba_head_dim != 64}}, "--arch " + arch);
  if (arch != "mamba1" && arch != "mamba2")
    refuse({{"final-residual", final_residual}}, "--arch " + arch);
  if (positions == "auto") positions = hmm ? "sinusoid" : "none";
  if (positions == "relative" && !hmm)
    throw UsageError("--positions: found relative, expected --task hmm with it");
  if (arch == "decoder" && !hmm)
    throw UsageError("--arch decoder: expected --task hmm (others: two-stream or interleaved)");
  if (hmm && (arch == "two-stream" || arch == "interleaved")) {
    throw UsageError(
        fmt::format("--arch {}: an hmm has no queries, expected --arch decoder", arch));
  }
  if (hmm && predictor != "mlp-concat") {
    throw UsageError(
        fmt::format("--predictor {}: an hmm has no queries, expected mlp-concat", predictor));
  }
  if (positions == "relative" && arch != "transformer") {
    throw UsageError(
        fmt::format("--positions relative: found --arch {}, expected transformer", arch));
  }
}

// Seed 27 is the code's.
void TrainConfig::set_defaults(cli::CommonOptions& common) { common.seed = {27}; }

// `small` is section 8, `paper` the defaults as they stand.
void TrainConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  common.seed = {0};
  common.checkpoint_every = 500;
  if (name != "small") return;
  task.small = true;
  batch_size = 64;
  lr = 1e-3;
}

void TrainConfig::validate(const cli::CommonOptions&) {
  task.resolve(model.arch);
  model.resolve(task);
  const bool hmm = task.task == "hmm", mamba = model.arch == "mamba1" || model.arch == "mamba2";
  int64_t full = task.task == "mastermind"  ? (mamba ? 120 : 80)
                 : task.task == "chebyshev" ? 400
                                            : 50;
  if (task.small) full = task.task == "linear" || task.task == "chebyshev" ? 40 : hmm ? 10 : 15;
  fill(epochs, full);
  fill<int64_t>(loss_from, 0);
  // Of a file's points, the run says later what does not fit.
  const int64_t points = task.n_samples.value_or(std::numeric_limits<int64_t>::max());
  if (points <= min_train_samples) {
    throw UsageError(fmt::format("--n-samples: found {}, expected more than --min-train-samples {}",
                                 points, min_train_samples));
  }
  if (*loss_from >= points) {
    throw UsageError(fmt::format("--loss-from: found {}, expected less than --n-samples {}",
                                 *loss_from, points));
  }
  const bool bottleneck = model.arch == "transformer" || mamba;
  if (objective == "train" && !bottleneck) {
    throw UsageError(fmt::format(
        "--objective train: found --arch {}, expected one with a bottleneck", model.arch));
  }
  if (objective == "train" && hmm && model.positions != "relative") {
    throw UsageError(
        "--objective train: hmm has it in the supervised variant only, --positions relative");
  }
  if (!context_length.empty() && !hmm)
    throw UsageError("--context-length: read with --task hmm only");
}

void EvalConfig::validate(const cli::CommonOptions&) const {
  require_text("checkpoint", checkpoint);
}

void SgdConfig::set_defaults(cli::CommonOptions& common) { common.seed = {0}; }

void SgdConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  common.checkpoint_every = 1;
  if (name == "small") {
    task.small = true;
    common.seed = {0};
  } else {
    common.seed.clear();
    for (int64_t s = 0; s < 15; ++s) common.seed.push_back(s);
  }
}

void SgdConfig::validate(const cli::CommonOptions&) {
  const bool penalised = reg == "l1" || reg == "l2" || reg == "dropout";
  if (task.task == "hmm") {
    throw UsageError("--task hmm: sgd learns regression and mastermind tasks");
  }
  if (!task.data.empty()) {
    throw UsageError("--data: sgd draws more points of a task than a file holds; expected none");
  }
  refuse({{"n-tasks", task.n_tasks.has_value()},
          {"n-val-tasks", task.n_val_tasks.has_value()},
          {"n-samples", task.n_samples.has_value()}},
         "sgd, which reads --fits, --n-max and --n-test");
  fill<int64_t>(n_max, task.small                  ? 200
                       : penalised                 ? 1000
                       : task.task == "mastermind" ? 3000
                                                   : 2000);
  fill<int64_t>(n_test, task.small || penalised ? 1000 : 5000);
  fill<int64_t>(fits, task.small ? 96 : 1000);
  fill<int64_t>(h_dim, task.task == "mastermind" ? 256 : 64);
  task.n_tasks = task.n_val_tasks = fits;
  task.n_samples = *n_max + *n_test;
  task.resolve("");
}

void BaselineConfig::set_defaults(cli::CommonOptions& common) { common.seed = {27}; }

void BaselineConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  common.seed = {0};
  task.small = name == "small";
}

void BaselineConfig::validate(const cli::CommonOptions&) {
  task.resolve("");
  const bool linear = task.task == "linear",
             symbols = task.task == "mastermind" || task.task == "hmm";
  if ((method == "ridge" || method == "least-squares") && !linear) {
    throw UsageError(
        fmt::format("--method {}: found --task {}, expected linear", method, task.task));
  }
  if (method == "bayes" && !linear && !symbols) {
    throw UsageError(fmt::format(
        "--method bayes: found --task {}, expected linear, mastermind or hmm", task.task));
  }
  if (method == "marginal" && !symbols) {
    throw UsageError(
        fmt::format("--method marginal: found --task {}, expected mastermind or hmm", task.task));
  }
}

void GenConfig::set_defaults(cli::CommonOptions& common) { common.seed = {27}; }

void GenConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  common.seed = {0};
  task.small = name == "small";
}

void GenConfig::validate(const cli::CommonOptions& common) {
  if (!common.dry_run) require_text("save-path", save_path);
  if (common.seed.size() != 1) throw UsageError("--seed: expected one number");
  if (!task.data.empty()) throw UsageError("--data: read by train and baseline, not by gen");
  if (!csv.empty()) return refuse_generator_options(task, "--csv");
  task.resolve("");
}

void LlmPromptsConfig::validate(const cli::CommonOptions& common) const {
  if (!common.dry_run) require_text("save-path", save_path);
}

void LlmScoreConfig::validate(const cli::CommonOptions&) const {
  require_text("prompts", prompts);
  require_text("answers", answers);
}

}  // namespace tenfold::prequential_icl
