// Options of the subcommands (arXiv 2407.00957; specification, section 7).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/cli/tool.h"
#include "common/cli/visitor.h"
#include "tools/bias-learning/network.h"

namespace tenfold::bias_learning {

using cli::kNoLimit;
using cli::Resume;

// `train` without a task that says which of the two it is.
struct TrainConfig {
  std::string task;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("task", task, "TASK[,TASK...]|cosine|vdp|lorenz|reach|csv:FILE",
           "train-rnn --system for a system, else train-fnn --tasks; all other options are theirs");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions&) const;
};

struct TrainFnnConfig {
  std::vector<std::string> data = {"mnist"}, tasks = {"mnist"}, train = {"bias"};
  std::vector<std::string> first_method_only;
  std::vector<int64_t> hidden = {32000};
  std::vector<std::string> range = {"0.1"};
  std::string solver = "adam", weights = "uniform", activation = "relu", cache = "auto",
              cache_memory = "4G", clusters = "0";
  int64_t layers = 1, epochs = 20, batch = 100, train_images = 0, test_images = 0;
  bool residual = false, output_bias = false;
  std::optional<int64_t> full_epochs;
  std::optional<double> lr;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Tasks");
    v.list("data", data, {}, "mnist|fashion|NAME=IMAGES,LABELS[,IMAGES,LABELS]",
           "image files (IDX; train pair, then test pair; of one pair the last sixth is the test)",
           Resume::kMayChange);
    v.list("tasks", tasks, {}, "SOURCE[-permute|-invert|-rot90|-relabel|-parity]",
           "what is learned, one set of biases each");
    v.number("train-images", train_images, {0, 1e9}, "images",
             "the first so many of the file; 0: all");
    v.number("test-images", test_images, {0, 1e9}, "images",
             "the first so many of the file; 0: all");
    v.group("Network");
    v.list("hidden", hidden, {1, 1e7}, "widths; more than one: a sweep");
    v.choice("weights", weights, {"uniform", "normal"},
             "uniform in +-range, or normal of variance 1 / fan-in; never trained but by full");
    v.list("range", range, {}, "R", "bounds of uniform weights; more than one: a sweep");
    v.number("layers", layers, {1, 100}, "", "hidden layers, each of the width; all biases train");
    v.flag("residual", residual, "every layer from the second on: h + A relu(B h + b)");
    v.choice("activation", activation, {"relu", "tanh", "sigmoid"}, "of the hidden units");
    v.flag("output-bias", output_bias, "train a bias of the outputs beside what --train names");
    v.group("Training");
    v.list(
        "train", train, kMethodNames, "METHOD",
        "what is trained, one after the other; full-equal: everything, of a network with as many "
        "parameters as bias trains");
    v.choice(
        "solver", solver, {"adam", "ntk"},
        "ntk: solve for biases of hidden units and outputs on 20 images of each class, 10 x 10 "
        "pixels (of 500 test images, unless --test-images is given)");
    v.list("first-method-only", first_method_only, {}, "TASK",
           "tasks that only the first method of --train learns");
    v.number("epochs", epochs, {1, 1e6}, "", "epochs");
    v.number("full-epochs", full_epochs, {1, 1e6}, "", "epochs of full training", "as --epochs");
    v.number("batch", batch, {1, 1e6}, "images", "batch");
    v.number("lr", lr, {1e-12, 100.0}, "", "Adam's first rate, falling to 0 over the epochs",
             "bias, gain, output-bias 0.02, mask 0.05, readout 0.003, full 0.001 (constant)");
    v.choice("cache", cache, {"auto", "off"},
             "keep the pre-activations of the images, or multiply in every step");
    v.text("cache-memory", cache_memory, "BYTES[K|M|G]",
           "most memory that kept pre-activations take (half precision, then none, beyond it)");
    v.group("Analysis");
    v.text("clusters", clusters, "N|auto",
           "clusters of the units' task variances; 0: as many as tasks", Resume::kMayChange);
  }
  static std::vector<std::string> presets() { return {"small", "paper"}; }
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common) const;

  bool solves() const { return solver == "ntk"; }
  int64_t most_test_images() const;       // 0: all
  int64_t cache_bytes() const;            // 0: --cache off
  int64_t cluster_count() const;          // 0: auto
  std::vector<Network> networks() const;  // of every width or range
  // "hidden-1000", "range-0.1" of a sweep; "" of a network alone.
  std::string label(size_t network) const;
};

struct TrainRnnConfig {
  std::string system = "vdp", dump_target, start;
  std::vector<std::string> gain = {"1.5"};
  std::string train = "bias", weights = "normal", activation = "relu", schedule = "auto";
  int64_t hidden = 200, iters = 5000, jacobian_steps = 1;
  double range = 0.1, clip = 1;
  bool train_r0 = false;
  std::optional<int64_t> steps, burn_in, tau, batch, angles;
  std::optional<double> alpha, beta, period, dt, lr;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("System");
    v.text("system", system, "cosine|vdp|lorenz|reach|csv:FILE",
           "generated by itself: cosine, van der Pol's oscillator, a file's columns "
           "(t,y1..ym[,x1..xd]); forecast: Lorenz; steered: a mass to a target");
    v.number("steps", steps, {2, 1e6}, "steps", "length of a trial", "200; reach 50; csv all rows");
    v.number("period", period, {2, 1e6}, "steps", "of the cosine", "50");
    v.number("dt", dt, {1e-9, 1e3}, "", "integration step (vdp, lorenz, reach)",
             "vdp, reach 0.1; lorenz 0.01");
    v.text("start", start, "X,Y[,Z]", "where vdp (2,0 unless given) or lorenz (1,1,1) begins");
    v.number("burn-in", burn_in, {0, 1e8}, "steps", "dropped before the first that is kept",
             "vdp 400, lorenz 10000");
    v.number("tau", tau, {1, 1e5}, "samples", "how far lorenz is forecast", "27");
    v.number("batch", batch, {1, 1e5}, "windows", "lorenz: random windows an iteration", "32");
    v.number("angles", angles, {1, 1e5}, "", "reach: training targets on the circle", "32");
    v.text("dump-target", dump_target, "FILE.csv",
           "write the states and the target there, and stop", Resume::kMayChange);
    v.group("Network");
    v.number("hidden", hidden, {1, 1e5}, "units", "width");
    v.list("gain", gain, {}, "G", "standard deviation of the recurrent weights times sqrt(width)");
    v.number("alpha", alpha, {-1, 1}, "", "r_t = -alpha r_{t-1} + beta phi(W r_{t-1} + B x + b)",
             "-0.9; lorenz, reach -0.8");
    v.number("beta", beta, {0, 10}, "", "see alpha", "0.1; lorenz, reach 0.2");
    v.choice("activation", activation, {"relu", "tanh", "sigmoid"}, "phi");
    v.choice("weights", weights, {"normal", "uniform"},
             "B and C: normal of variance 1 / fan-in, or uniform in +-range");
    v.number("range", range, {1e-9, 1e6}, "", "bound of uniform weights");
    v.group("Training");
    v.choice("train", train, {"bias", "full"}, "the biases alone, or all of W, B, C and b");
    v.flag("train-r0", train_r0, "train the state that trials begin in as well");
    v.number("iters", iters, {1, 1e9}, "", "iterations");
    v.number("lr", lr, {1e-12, 100.0}, "", "Adam's rate", "bias 0.01, full 0.001");
    v.choice("schedule", schedule, {"auto", "constant", "linear"},
             "the rate stays, or falls to 0 over the iterations (auto: lorenz linear)");
    v.number("clip", clip, {1e-9, 1e9}, "", "most that a network's gradient norm may be");
    v.group("Analysis");
    v.number("jacobian-steps", jacobian_steps, {0, 1e6}, "",
             "equally spaced steps at which the Jacobian's eigenvalues are taken, before and after "
             "training; 1: the last; 0: none (they take seconds at 1,000 units)",
             Resume::kMayChange);
  }
  static std::vector<std::string> presets() { return {"small", "lorenz", "reach", "paper"}; }
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common) const;

  std::vector<double> gains() const;
  std::vector<double> start_state() const;  // the system's own unless given
  std::string csv_file() const;             // "" unless the system is csv:FILE
  bool externally_driven() const { return system == "lorenz" || system == "reach"; }
};

struct EvalConfig {
  std::string run, biases, activation = "trained", dump_tv;
  std::vector<std::string> analysis;
  std::optional<int64_t> jacobian_steps;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Evaluation");
    v.text("run", run, "DIR", "folder of a run: its data, tasks and weights");
    v.text("biases", biases, "FILE",
           "biases and masks; biases.safetensors of the run (of several seeds all) unless given");
    v.list("analysis", analysis, {"accuracy", "tv", "spearman", "on-units", "jacobian"}, "FIGURE",
           "what is computed: the first four of a train-fnn run, accuracy and jacobian of a "
           "train-rnn run; all unless given");
    v.choice("activation", activation, {"trained", "relu", "tanh", "sigmoid", "heaviside"},
             "of a train-fnn run's units, in place of the one that they were trained with");
    v.text("dump-tv", dump_tv, "FILE.npz",
           "write there TV and biases [tasks, units] and the names of the tasks");
    v.number("jacobian-steps", jacobian_steps, {0, 1e6}, "",
             "of a train-rnn run: steps at which the Jacobian's eigenvalues are taken",
             "the run's");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common) const;

  bool wants(const std::string& figure) const {
    return analysis.empty() ||
           std::find(analysis.begin(), analysis.end(), figure) != analysis.end();
  }
};

struct CheckTheoryConfig {
  std::string check = "ffn", target = "sin", activation = "relu", fit = "none";
  std::vector<int64_t> width = {100, 300, 1000, 3000, 10000};
  double range = 1;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Theory");
    v.choice("check", check, {"ffn", "rnn", "off-switch", "bounding"},
             "theorem 1, theorem 2, units switched off, one unit as many bounded ones");
    v.list("width", width, {2, 1e7}, "widths of the random network (ffn, rnn, off-switch)");
    v.number("range", range, {0.9, 1e6}, "", "bound R of the random weights, above gamma = 0.9");
    v.choice("target", target, {"sin", "ramp"}, "ffn: the function");
    v.choice("activation", activation, {"relu", "heaviside"}, "of the units (rnn: relu)");
    v.choice(
        "fit", fit, {"none", "adam"},
        "ffn: train the biases of the same random network (3000 steps of Adam) in place of the "
        "construction");
  }
  static std::vector<std::string> presets() { return {}; }
  static void set_defaults(cli::CommonOptions& common);
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common) const;
};

}  // namespace tenfold::bias_learning
