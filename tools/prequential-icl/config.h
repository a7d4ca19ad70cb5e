// Options of the subcommands. Names and defaults are the paper's (arXiv 2410.14086; specification
// sections 2-4 and 7); what depends on the task or the preset is empty until `validate` fills it
// in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/cli/tool.h"
#include "common/cli/visitor.h"
#include "tools/prequential-icl/model_spec.h"

namespace tenfold::prequential_icl {

using cli::kNoLimit;
using cli::Resume;

extern const std::vector<std::string> kTaskNames, kArchNames, kPredictorNames;

// A family of tasks and the meta-dataset drawn from it.
struct TaskConfig {
  std::string task = "linear", data, data_dist = "normal", ood_style = "bimodal",
              activation = "relu", hmm_size = "small";
  std::optional<int64_t> n_tasks, n_val_tasks, n_samples, x_dim, y_dim, intrinsic_dim, code_length,
      colours, code_colours;
  std::optional<double> noise;
  int64_t degree = 3;
  bool intrinsic_rows_shared = true, fixed_freq = true, standardise = false, hmm_compat = false;
  bool small = false;  // set by the preset

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Tasks");
    v.choice("task", task, kTaskNames, "family of tasks");
    v.text("data", data, "FILE", "meta-dataset that `gen` wrote, instead of drawing one");
    v.number("n-tasks", n_tasks, {1, 1e8}, "tasks", "tasks to train on",
             "10000 (chebyshev 20000, hmm 200000)");
    v.number("n-val-tasks", n_val_tasks, {1, 1e8}, "tasks", "tasks to evaluate on",
             "1000 (hmm 50000)");
    v.number("n-samples", n_samples, {2, 1e6}, "points", "points of a task",
             "1000 (mastermind 1350, Mamba-2 800, chebyshev 50, hmm 200)");
    v.number("x-dim", x_dim, {1, 4096}, "", "inputs of a regression task", "linear 3, others 1");
    v.number("y-dim", y_dim, {1, 4096}, "", "outputs of a regression task", "1");
    v.number("noise", noise, {0.0, 1e3}, "", "standard deviation added to y",
             "linear and chebyshev 0.2, others 0");
    v.choice("ood-style", ood_style, {"bimodal", "shift_scale"},
             "how the out-of-distribution copy moves x");
    v.group("Linear");
    v.number("intrinsic-dim", intrinsic_dim, {0, 4096}, "", "inputs with a weight", "--x-dim");
    v.choice("data-dist", data_dist, {"normal", "uniform"}, "law of x");
    v.flag("intrinsic-rows-shared", intrinsic_rows_shared,
           "training and validation tasks have the same zero weights");
    v.group("Sinusoid, chebyshev, mlp");
    v.flag("fixed-freq", fixed_freq, "all sinusoid tasks share the paper's frequencies");
    v.number("degree", degree, {0, 64}, "", "highest Chebyshev order of the data");
    v.flag("standardise", standardise, "chebyshev: standardise y over tasks, as the code does");
    v.choice("activation", activation, {"relu", "tanh"}, "of the mlp tasks' networks");
    v.group("Mastermind");
    v.number("code-length", code_length, {1, 64}, "positions", "length of codes and guesses",
             "8; small preset 4");
    v.number("colours", colours, {2, 255}, "", "colours of a guess", "6; small preset 4");
    v.number("code-colours", code_colours, {1, 255}, "", "colours that a code may use",
             "colours - 1 (as the paper's code has it); small preset: all");
    v.group("HMM");
    v.choice("hmm-size", hmm_size, {"small", "medium"}, "number of latents: 12,288 or 73,728");
    v.flag("hmm-compat", hmm_compat, "transition matrices as the authors' follow-up code has them");
  }

  // Fills in what is empty; `arch` may be "" where there is no model. Throws UsageError.
  void resolve(const std::string& arch);
};

struct ModelConfig {
  std::string arch = "transformer", predictor = "mlp-concat", positions = "auto";
  std::optional<int64_t> h_dim, n_layers, z_dim, pred_h_dim, pred_layers;
  int64_t n_heads = 4, mamba_head_dim = 64;
  bool tie_hidden = true, final_residual = false;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Model");
    v.choice(
        "arch", arch, kArchNames,
        "sequence model; transformer, mamba1 and mamba2 have a bottleneck (decoder: hmm only)");
    v.choice("predictor", predictor, kPredictorNames, "head behind a bottleneck");
    v.number("h-dim", h_dim, {1, 65536}, "", "width; the feed-forward layers have twice as much",
             "256; small preset 64");
    v.number("n-layers", n_layers, {1, 256}, "", "layers", "4; small preset 2");
    v.number("n-heads", n_heads, {1, 1024}, "", "attention heads");
    v.number("z-dim", z_dim, {1, 1e6}, "", "size of a context's summary",
             "128; small preset 32; polynomial 16");
    v.number("pred-h-dim", pred_h_dim, {1, 65536}, "", "width of the head",
             "256; small preset 64; lowrank 1024; mlp-hyper 16");
    v.number("pred-layers", pred_layers, {2, 64}, "", "Linear layers of the head", "5; lowrank 2");
    v.flag("tie-hidden", tie_hidden,
           "the hidden layers of mlp-concat are one, as in the reference");
    v.choice("positions", positions, {"auto", "sinusoid", "none", "relative"},
             "auto: sinusoid for hmm, else none; relative: hmm's supervised variant");
    v.number("mamba-head-dim", mamba_head_dim, {1, 4096}, "", "width of a Mamba-2 head");
    v.flag("final-residual", final_residual, "Mamba: add the last residual before the projection");
  }

  void resolve(const TaskConfig& task);
};

struct TrainConfig {
  TaskConfig task;
  ModelConfig model;
  std::string objective = "prequential", context_length;
  int64_t min_train_samples = 1, batch_size = 256;
  std::optional<int64_t> epochs, steps, loss_from;
  int64_t oracle_sequences = 32;
  double lr = 1e-4;
  std::optional<double> sigma;
  std::vector<int64_t> contexts;

  template <class Visitor>
  void visit(Visitor& v) {
    task.visit(v);
    model.visit(v);
    v.group("Training");
    v.choice("objective", objective, {"prequential", "train"},
             "loss of the next point, or of a random point of the context");
    v.number("min-train-samples", min_train_samples, {1, 1e6}, "points",
             "shortest context that is trained and reported");
    v.number("loss-from", loss_from, {0, 1e6}, "points", "contexts below it get no gradient", "0");
    v.text("context-length", context_length, "LO:HI",
           "hmm: sequences of random length, the rest masked");
    v.number("batch-size", batch_size, {1, 1e6}, "tasks", "tasks a step (small preset: 64)");
    v.number("epochs", epochs, {1, 1e6}, "epochs", "passes over the tasks",
             "50 (mastermind 80, with Mamba 120; chebyshev 400; small preset 15, linear 40)");
    v.number("steps", steps, {1, 1e9}, "steps", "optimiser steps, instead of --epochs",
             "what --epochs says");
    v.number("lr", lr, {0.0, 10.0}, "", "learning rate of Adam (small preset: 1e-3)");
    v.group("Report");
    v.number("oracle-sequences", oracle_sequences, {0, 1e6}, "sequences",
             "hmm: sequences on which the model is compared with exact Bayes");
    v.list("contexts", contexts, {0, 1e6}, "rows of the curve to report; all where none is given",
           Resume::kMayChange);
    v.number("sigma", sigma, {1e-6, 1e6}, "", "noise for code lengths in Gaussian nats",
             "no code length in bits for a squared loss", Resume::kMayChange);
  }
  static std::vector<std::string> presets() { return {"small", "paper"}; }
  static void set_defaults(cli::CommonOptions& common);
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);
};

struct EvalConfig {
  std::string checkpoint, data;
  std::optional<int64_t> n_tasks, n_samples, seed;
  std::optional<double> sigma;
  std::vector<int64_t> contexts;
  bool ood = false, probe_functions = false;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("What to evaluate");
    v.text("checkpoint", checkpoint, "DIR", "a run's folder, or one of its checkpoints");
    v.text("data", data, "FILE", "its validation tasks, instead of fresh ones");
    v.number("n-tasks", n_tasks, {1, 1e8}, "tasks", "tasks", "as many as the run had");
    v.number("n-samples", n_samples, {2, 1e6}, "points", "points of a task", "as the run had");
    v.number("seed", seed, {0, 9e15}, "", "of the tasks", "each run's own validation tasks");
    v.group("Report");
    v.list("contexts", contexts, {0, 1e6}, "rows of the curve to report; all where none is given");
    v.flag("ood", ood, "also the loss on out-of-distribution queries");
    v.flag("probe-functions", probe_functions,
           "also what the learner predicts along a line (x and y of one dimension)");
    v.number("sigma", sigma, {1e-6, 1e6}, "", "noise for code lengths in Gaussian nats",
             "no code length in bits for a squared loss");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common) const;
};

struct SgdConfig {
  TaskConfig task;
  std::string reg = "early-stop";
  double lambda = 0.05, dropout = 0.2, lr = 1e-4;
  std::optional<int64_t> fits, n_max, n_test, h_dim;
  int64_t epochs = 2000, pred_layers = 5, batch_size = 64;

  template <class Visitor>
  void visit(Visitor& v) {
    task.visit(v);
    v.group("SGD learner");
    v.choice("reg", reg, {"early-stop", "none", "l1", "l2", "dropout"}, "regularisation");
    v.number("lambda", lambda, {0.0, 1e3}, "", "weight of the l1 or l2 penalty");
    v.number("dropout", dropout, {0.0, 0.99}, "", "probability, for --reg dropout");
    v.number("fits", fits, {1, 1e7}, "fits", "networks to fit, each to its own task",
             "1000; small preset 96");
    v.number("n-max", n_max, {6, 1e7}, "points", "longest training set",
             "2000 (mastermind 3000, l1, l2 and dropout 1000); small preset 200");
    v.number("n-test", n_test, {1, 1e7}, "points", "test points",
             "5000 (l1, l2 and dropout 1000); small preset 1000");
    v.number("h-dim", h_dim, {1, 4096}, "", "width", "64 (mastermind 256)");
    v.number("pred-layers", pred_layers, {2, 64}, "", "Linear layers");
    v.number("epochs", epochs, {1, 1e6}, "epochs", "most passes over a training set");
    v.number("batch-size", batch_size, {1, 1e6}, "points", "points a step");
    v.number("lr", lr, {0.0, 10.0}, "", "learning rate of Adam");
  }
  static std::vector<std::string> presets() { return {"small", "paper"}; }
  static void set_defaults(cli::CommonOptions& common);
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);
};

struct BaselineConfig {
  TaskConfig task;
  std::string method = "bayes";
  int64_t latents = 0;
  std::optional<double> sigma;
  std::vector<int64_t> contexts;

  template <class Visitor>
  void visit(Visitor& v) {
    task.visit(v);
    v.group("Baseline");
    v.choice("method", method, {"bayes", "ridge", "least-squares", "marginal", "oracle"},
             "predictor; oracle knows the task itself");
    v.number("latents", latents, {0, 1e6}, "", "hmm: latents that Bayes looks at, drawn; 0: all",
             Resume::kMayChange);
    v.list("contexts", contexts, {0, 1e6}, "rows of the curve to report; all where none is given");
    v.number("sigma", sigma, {1e-6, 1e6}, "", "noise for code lengths in Gaussian nats",
             "no code length in bits for a squared loss");
  }
  static std::vector<std::string> presets() { return {"small", "paper"}; }
  static void set_defaults(cli::CommonOptions& common);
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);
};

struct GenConfig {
  TaskConfig task;
  std::string save_path, csv;
  double val_fraction = 0.1;

  template <class Visitor>
  void visit(Visitor& v) {
    task.visit(v);
    v.group("Conversion");
    v.text("csv", csv, "FILE", "table with columns task, x1.., y1.., one row a point");
    v.number("val-fraction", val_fraction, {0.0, 1.0}, "", "share of its tasks for validation");
    v.group("Output");
    v.text("save-path", save_path, "FILE", "safetensors to write");
  }
  static std::vector<std::string> presets() { return {"small", "paper"}; }
  static void set_defaults(cli::CommonOptions& common);
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);
};

struct LlmPromptsConfig {
  std::string save_path;
  int64_t n_tasks = 15, n_samples = 100;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("save-path", save_path, "FILE", "JSON lines to write");
    v.number("n-tasks", n_tasks, {1, 1e6}, "tasks", "codes to guess");
    v.number("n-samples", n_samples, {2, 1e5}, "points", "points of a task");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common) const;
};

struct LlmScoreConfig {
  std::string prompts, answers;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("prompts", prompts, "FILE", "what llm-prompts wrote");
    v.text(
        "answers", answers, "FILE",
        "JSON lines {task, n, answer: [a, b], logprobs: [{\"0\": lp, ..}, {..}]}: the most likely "
        "tokens of both answer tokens; a digit that is not listed counts as the least likely one");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common) const;
};

}  // namespace tenfold::prequential_icl
