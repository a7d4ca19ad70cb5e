// Options of the subcommands. Names and defaults are the specification's (arXiv 2310.08513; its
// sections 4 to 8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/cli/tool.h"
#include "common/cli/visitor.h"
#include "tools/rich-lazy/connectome.h"
#include "tools/rich-lazy/initial_weights.h"
#include "tools/rich-lazy/linear_theory.h"
#include "tools/rich-lazy/tasks.h"

namespace tenfold::rich_lazy {

using cli::kNoLimit;
using cli::Resume;

// A gain of 0 leaves no matrix to train.
constexpr cli::Range kGains = {1e-6, 1e3};

// Which connections of a connectome count: shared by train and connectome.
struct EdgeConfig {
  std::string nodes, edges = kChemical;
  bool signs = true;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("nodes", nodes, "FILE.csv",
           "units of a matrix file, index,neuron,type,sign: the columns of a matrix, or the "
           "chemical edges of a list, are multiplied by the sign");
    v.choice("edges", edges, {kChemical, "electrical", "both"},
             "connections of C. elegans, or of a list with a column kind");
    v.flag("signs", signs, "multiply by the signs of C. elegans, or of --nodes");
  }
  ConnectomeOptions options(const std::string& matrix) const;
  // UsageError for an option that `matrix` ("celegans", a file, or "": none) does not take.
  void validate(const std::string& matrix) const;

 private:
  static constexpr const char* kChemical = "chemical";
};

struct TrainConfig {
  std::vector<std::string> task = {"2AF"};
  std::string data_dir;
  std::optional<int64_t> hidden;
  double alpha = 1;
  // Initial weights.
  std::string init = "gauss", spectrum = "rank", normalize = "fro", shuffle = "entries";
  std::vector<std::string> ranks;
  std::optional<double> gain;
  EdgeConfig connectome;
  bool dale_balance = true, fresh_io = false;
  double motif_reciprocal = 0, motif_chain = 0;
  std::string block_types, block_pairs;
  // Training.
  std::vector<std::string> lr = {"0.003"};
  std::string optimizer = "sgd";
  double momentum = 0.9;
  int64_t iters = 10000;
  std::optional<int64_t> batch;
  bool freeze_io = false;
  // Measures.
  int64_t ntk_trials = 32, eval_batches = 10, accuracy_trials = 0, log_every = 100,
          measure_every = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Task");
    v.list("task", task, {}, "2AF|DMS|CXT|sMNIST", "tasks, in any case; each has its own networks");
    v.text("data-dir", data_dir, "DIR",
           "folder of MNIST's IDX files, for sMNIST (default: data/mnist, then "
           "$TENFOLD_FIXTURES/bias-learning)",
           Resume::kMayChange);
    v.number("hidden", hidden, {2, 20000}, "units", "recurrent units",
             "300, or as many as the connectome has");
    v.number("alpha", alpha, {1e-3, 1.0}, "", "time step over time constant, dt / tau");
    v.group("Initial recurrent weights");
    v.text("init", init, "gauss|celegans|dale|motif|block|aligned|FILE",
           "where they come from (FILE: a matrix, .csv or .graphml); all but gauss are trained "
           "beside a shuffled and a Gaussian control");
    v.list("ranks", ranks, {}, "R|full",
           "ranks of the same draw (default: full, and for gauss 1, 30, 100, 300 below it; "
           "aligned has rank 1)");
    v.text("spectrum", spectrum, "rank|power:P|exp:C",
           "the first R singular values, or all replaced by i^-P or exp(-(i - 1) / C)");
    v.number("gain", gain, kGains, "", "g of the Gaussian N(0, g^2 / hidden), and of the norms",
             "1.25, for a connectome 0.4");
    v.choice("normalize", normalize, {"fro", "spectral", "radius", "none"},
             "what is made equal: the norm of that Gaussian, or the largest singular value or "
             "eigenvalue, g");
    v.choice("shuffle", shuffle, {"entries", "degree", "none"},
             "the shuffled control: all entries, or who is connected at equal degrees");
    connectome.visit(v);
    v.flag("dale-balance", dale_balance, "dale: inhibition as strong as excitation in all");
    v.number("motif-reciprocal", motif_reciprocal, {-1.0, 1.0}, "",
             "motif: correlation of i-j, j-i");
    v.number("motif-chain", motif_chain, {0.0, 0.499}, "", "motif: correlation of i-j and j-k");
    v.text("block-types", block_types, "FILE.csv", "block: type,fraction,sign");
    v.text("block-pairs", block_pairs, "FILE.csv", "block: type_pre,type_post,p,mean_weight");
    v.flag("fresh-io", fresh_io, "every rank draws its own input and output weights");
    v.group("Training");
    v.list("lr", lr, {}, "RATE", "learning rates; of several the one with the least loss is kept");
    v.choice("optimizer", optimizer, {"sgd", "adam"}, "SGD with momentum, or Adam");
    v.number("momentum", momentum, {0.0, 0.9999}, "", "of SGD");
    v.number("iters", iters, {0, 1e9}, "iterations", "batches trained on");
    v.number("batch", batch, {1, 1e6}, "trials", "of an iteration", "32, for sMNIST 200");
    v.flag("freeze-io", freeze_io, "input and output weights stay as they are");
    v.group("Measures");
    v.number("ntk-trials", ntk_trials, {1, 1e6}, "trials", "of the tangent kernel (sMNIST: all)");
    v.number("eval-batches", eval_batches, {1, 1e5}, "batches", "on which changes are measured");
    v.number("accuracy-trials", accuracy_trials, {0, 1e7}, "trials",
             "fresh ones to score besides (sMNIST: those held back, always)");
    v.number("log-every", log_every, {1, 1e9}, "iterations", "in one mean of the loss log");
    v.number("measure-every", measure_every, {0, 1e9}, "iterations",
             "measures along training; 0: at the end alone");
  }
  static std::vector<std::string> presets() { return {"small", "celegans", "paper"}; }
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);

  bool of_connectome() const;  // --init celegans or FILE
  double gain_or_default() const { return gain.value_or(of_connectome() ? 0.4 : 1.25); }
  std::vector<double> rates() const;

 private:
  void validate_init() const;
};

struct EvalConfig {
  std::string run, data_dir;
  std::optional<int64_t> ntk_trials;
  int64_t accuracy_trials = 0;
  std::string task, dump_trials;
  std::optional<int64_t> trials;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Measure again");
    v.text("run", run, "DIR", "folder of a training, or one of its checkpoints");
    v.text("data-dir", data_dir, "DIR", "folder of MNIST's IDX files (default: the training's)");
    v.number("ntk-trials", ntk_trials, {1, 1e6}, "trials", "of the tangent kernel",
             "the training's");
    v.number("accuracy-trials", accuracy_trials, {0, 1e7}, "trials", "fresh ones to score besides");
    v.group("Trials of a task, without any network");
    v.text("dump-trials", dump_trials, "FILE.npz", "write x [8, n, inputs] and labels [8, n]");
    v.text("task", task, "2AF|DMS|CXT", "whose");
    v.number("trials", trials, {1, 1e7}, "trials", "how many", "320");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common);
};

struct TheoryConfig {
  TheoryOptions options;
  std::vector<int64_t> rank;
  std::optional<double> init_scale;

  template <class Visitor>
  void visit(Visitor& v) {
    TheoryOptions& o = options;
    v.group("Two-layer linear network");
    v.number("d", o.inputs, {2, 1000}, "", "inputs");
    v.number("hidden", o.hidden, {2, 1e4}, "units", "hidden units, as many as inputs or more");
    v.list("rank", rank, {1, 1000},
           "ranks of the first layer, for --start random (default: those of 1, 2, 5, 10, 20 that "
           "--d allows)");
    v.number("kappa", o.kappa, {1.0, 1e3}, "", "singular values of half of the inputs; others: 1");
    v.choice("start", o.start, {"full", "random", "aligned", "aligned-cov", "partial"},
             "first layer: all directions, random ones, or one along the task, along the task as "
             "the inputs see it, or along its strong half");
    v.group("Simulation");
    v.number("tasks", o.tasks, {2, 1e5}, "tasks", "random inputs and teachers");
    v.number("init-scale", init_scale, {1e-6, 10.0}, "", "norm of the first layer",
             "0.01, above kappa 1 0.003");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common);
};

struct ConnectomeConfig {
  std::string matrix = "celegans";
  EdgeConfig edges;
  std::optional<double> gain;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Connectome");
    v.text("matrix", matrix, "FILE.csv|FILE.graphml|celegans", "what is looked at");
    edges.visit(v);
    v.number("gain", gain, kGains, "",
             "all matrices get the Frobenius norm of the Gaussian N(0, gain^2 / units)",
             "that of the matrix as given");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions&) { edges.validate(matrix); }
};

}  // namespace tenfold::rich_lazy
