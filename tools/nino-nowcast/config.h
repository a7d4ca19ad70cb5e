// Options of the subcommands. Names and defaults are the paper's (arXiv 2409.04434; specification
// section 7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/cli/tool.h"
#include "common/cli/visitor.h"

namespace tenfold::nino_nowcast {

using cli::kNoLimit;
using cli::Resume;

extern const std::vector<std::string> kTaskNames, kNowcasterNames, kOptimizerNames, kDataNames;

// How a nowcast is made: shared by train, step and eval.
struct NowcastConfig {
  std::vector<std::string> ckpt;
  std::string graph = "auto", graph_compat = "official", scale_method = "checkpoint";
  std::optional<double> upd_scale;
  double edge_sample_ratio = 1.0;
  int64_t chunk_size = 1'000'000;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Nowcast");
    v.list("ckpt", ckpt, {}, "FILE",
           "checkpoints (.safetensors with .json beside); those of our own where none is given");
    v.choice(
        "graph", graph, {"auto", "naive", "generic"},
        "neural graph: of the family, the ablation without heads and residuals, or feed-forward");
    v.choice("graph-compat", graph_compat, {"official", "corrected"},
             "keep or correct the official code's slips (Llama embeddings, min-max-param)");
    v.choice("scale-method", scale_method,
             {"checkpoint", "std", "std-param", "min-max", "min-max-param"},
             "scaling of snapshots: as the checkpoint says, or another (ablation)");
    v.number("upd-scale", upd_scale, {0.0, 100.0}, "", "factor of the predicted change",
             "as in the checkpoint");
    v.number("edge-sample-ratio", edge_sample_ratio, {1e-6, 1.0}, "",
             "fraction of the edges that each message passing sees");
    v.number("chunk-size", chunk_size, {1, kNoLimit}, "edges",
             "most edges processed at once (memory only)", Resume::kMayChange);
  }
};

// What is trained and on what: shared by train and collect.
struct TaskConfig {
  std::string task = "FM-16", optimizer = "adamw", data_dir;
  std::string data = "fashion-mnist", net = "mlp";  // custom only
  std::vector<int64_t> hidden = {32};
  int64_t image_size = 28;
  bool batch_norm = false, no_bias = false;
  int64_t layers = 3, dim = 64, heads = 4, kv_heads = 0, vocab = 50257, block_size = 1024;
  std::optional<double> lr;
  double wd = 0;
  int64_t batch_size = 128, max_train_steps = 10000;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Task");
    v.choice("task", task, kTaskNames,
             "network and data set (custom: see below; LM1B and Wiki: --dry-run only)");
    v.text("data-dir", data_dir, "DIR",
           "folder of the data set (FashionMNIST: found where Debian puts it)", Resume::kMayChange);
    v.choice("optimizer", optimizer, kOptimizerNames, "base optimiser");
    v.number("lr", lr, {0.0, 100.0}, "", "learning rate", "the task's own; nesterov needs one");
    v.number("wd", wd, {0.0, 10.0}, "", "weight decay");
    v.number("batch-size", batch_size, {1, 1e6}, "examples", "training batch");
    v.number("max-train-steps", max_train_steps, {1, 1e9}, "steps",
             "planned budget; sets the horizon schedule");
    v.group("Custom task");
    v.choice("data", data, kDataNames, "data set");
    v.number("image-size", image_size, {14, 32}, "pixels",
             "28, or 14 (mean-pooled 2x2); CIFAR has 32");
    v.choice("net", net, {"mlp", "conv", "gpt2", "llama"},
             "kind of network (gpt2 and llama: --dry-run only)");
    v.list("hidden", hidden, {1, 1e6}, "widths of the hidden layers (llama: the MLP's)");
    v.flag("batch-norm", batch_norm, "batch norm after every convolution");
    v.flag("no-bias", no_bias, "convolutions without bias");
    v.number("layers", layers, {1, 1000}, "blocks", "transformer depth");
    v.number("dim", dim, {1, 1e6}, "", "transformer width");
    v.number("heads", heads, {1, 1e4}, "", "attention heads");
    v.number("kv-heads", kv_heads, {0, 1e4}, "", "key/value heads of a Llama; 0: as many as heads");
    v.number("vocab", vocab, {1, 1e7}, "words", "vocabulary");
    v.number("block-size", block_size, {1, 1e6}, "tokens", "positions of a GPT-2");
  }
};

struct TrainConfig {
  TaskConfig task;
  NowcastConfig nowcast;
  std::vector<std::string> nowcaster = {"none", "nino"};
  int64_t period = 1000, ctx = 5;
  double k_decay = 2;
  std::optional<int64_t> k;
  std::optional<double> target;
  std::string after_target = "stop";
  bool require_target = false;
  std::string keep_checkpoints = "2";

  template <class Visitor>
  void visit(Visitor& v) {
    task.visit(v);
    v.group("Nowcasting");
    v.list("nowcaster", nowcaster, kNowcasterNames, "NAME",
           "methods to compare; none is the optimiser alone");
    v.number("period", period, {2, 1e9}, "steps", "optimiser steps between two nowcasts");
    v.number("ctx", ctx, {2, 1000}, "snapshots", "snapshots that a nowcast looks at");
    v.number("k-decay", k_decay, {0.01, 100.0}, "", "power p of the horizon schedule");
    v.number("k", k, {1, 1e6}, "spacings", "constant horizon", "the schedule from 40 to 1");
    nowcast.visit(v);
    v.group("Target");
    v.number("target", target, {0.0, 100.0}, "%", "test accuracy to reach", "the task's own");
    v.choice("after-target", after_target, {"stop", "continue"},
             "what a run does when it is there");
    v.flag("require-target", require_target, "exit 1 when a run misses the target",
           Resume::kMayChange);
    v.group("Checkpoints");
    v.text("keep-checkpoints", keep_checkpoints, "N|all",
           "checkpoints to keep (the best one stays too)", Resume::kMayChange);
  }
  static std::vector<std::string> presets() { return {"small", "paper"}; }
  static void set_defaults(cli::CommonOptions& common);
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common) const;
};

struct CollectConfig {
  TaskConfig task;
  std::string name, data_out = "trajectories", dtype = "float16";
  int64_t runs = 16, every = 4;

  template <class Visitor>
  void visit(Visitor& v) {
    task.visit(v);
    v.group("Trajectories");
    v.text("name", name, "NAME",
           "name of the trajectory files; the task's name where none is given");
    v.text("data-out", data_out, "DIR", "folder for NAME.dat, NAME_metrics.dat and NAME.json");
    v.number("runs", runs, {1, 1e5}, "runs", "run r uses seed --seed + r");
    v.number("every", every, {1, 1e6}, "steps", "spacing of the stored states");
    v.choice("dtype", dtype, {"float16"}, "storage");
  }
  static std::vector<std::string> presets() { return {"small", "paper"}; }
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common) const;
};

struct TrainNinoConfig {
  std::string data_dir = "trajectories", model = "nino", save_path = "nino.safetensors";
  std::vector<std::string> tasks;
  int64_t hid = 128, layers = 3, seq_len = 40, ctx = 5, lpe = 8, spacing = 200, wnn_horizon = 5;
  int64_t max_feat_size = 9, vocab_size = 50257, vocab_sample = 1000;
  bool amp = false, wte_pos_enc = false, no_lpe = false, no_edge_types = false,
       final_edge_update = false;
  double lr = 3e-3, wd = 1e-2, grad_clip = 5, upd_scale = 1;
  int64_t batch_size = 4, samples_per_traj = 4, max_train_steps = 20000, nan_restarts = 50;
  std::string scale_method = "std", train_scale = "global-wte";

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Trajectories");
    v.text("data-dir", data_dir, "DIR", "folder that `collect` wrote", Resume::kMayChange);
    v.list("tasks", tasks, {}, "NAME", "trajectory names in it");
    v.number("spacing", spacing, {1, 1e6}, "steps", "training steps between two used states");
    v.number("samples-per-traj", samples_per_traj, {1, 100}, "windows",
             "windows of each trajectory");
    v.number("batch-size", batch_size, {1, 1e4}, "trajectories", "trajectories a step");
    v.number("vocab-sample", vocab_sample, {1, 1e6}, "words", "word rows drawn from an embedding");
    v.group("Network");
    v.choice("model", model, {"nino", "wnn+", "wnn"}, "what to train");
    v.number("hid", hid, {1, 4096}, "", "width");
    v.number("layers", layers, {1, 100}, "", "message-passing layers");
    v.number("seq-len", seq_len, {1, 1000}, "", "horizons K");
    v.number("ctx", ctx, {2, 1000}, "snapshots", "snapshots that go in");
    v.number("lpe", lpe, {1, 100}, "", "Laplacian eigenvectors");
    v.number("max-feat-size", max_feat_size, {1, 1024}, "", "weights on one edge");
    v.number("vocab-size", vocab_size, {1, 1e7}, "words", "size of the word table");
    v.flag("wte-pos-enc", wte_pos_enc, "with a word table");
    v.flag("no-lpe", no_lpe, "ablation: without positional encoding");
    v.flag("no-edge-types", no_edge_types, "ablation: without edge-type embedding");
    v.flag("final-edge-update", final_edge_update, "edge update after the last layer too");
    v.number("upd-scale", upd_scale, {0.0, 100.0}, "", "factor of the predicted change");
    v.choice("scale-method", scale_method, {"std", "std-param", "min-max", "min-max-param"},
             "scaling of states");
    v.choice("train-scale", train_scale, {"global-wte", "per-tensor"},
             "scaling of models whose first parameter is wte.weight");
    v.number("wnn-horizon", wnn_horizon, {1, 1000}, "spacings", "the one horizon of WNN");
    v.group("Optimisation");
    v.number("lr", lr, {0.0, 100.0}, "", "peak of the cosine schedule (AdamW; wnn: constant)");
    v.number("wd", wd, {0.0, 10.0}, "", "weight decay");
    v.number("max-train-steps", max_train_steps, {1, 1e9}, "steps", "iterations");
    v.number("grad-clip", grad_clip, {0.0, kNoLimit}, "", "bound of the gradient norm; 0: none");
    v.flag("amp", amp, "mixed precision: products in bfloat16; loss, sums and weights in float32");
    v.number("nan-restarts", nan_restarts, {0, 1e6}, "",
             "times to go back to a checkpoint after a NaN");
    v.text("save-path", save_path, "FILE", "where the checkpoint goes (FILE.json beside it)",
           Resume::kMayChange);
  }
  static std::vector<std::string> presets() { return {"small", "paper"}; }
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common) const;
};

struct StepConfig {
  NowcastConfig nowcast;
  std::string states, arch, ckpt_dir, member, save_path, pos;
  std::optional<int64_t> last, k, step;
  int64_t period = 1000, max_train_steps = 10000;
  double k_decay = 2;
  bool subgraph = false;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Snapshots");
    v.text("states", states, "FILE", "safetensors with `states` [P, ctx], column 0 oldest");
    v.text("arch", arch, "FILE", "JSON with `params` (and `graph_args`); see the README");
    v.text("ckpt-dir", ckpt_dir, "DIR",
           "instead of --states: folder of checkpoints step-*/ or step_N.safetensors");
    v.number("last", last, {0, kNoLimit}, "steps", "last snapshot in --ckpt-dir",
             "needed with --ckpt-dir");
    v.text("member", member, "NAME", "of a --ckpt-dir with several runs, e.g. none/1000");
    v.group("Horizon");
    v.number("k", k, {1, 1e6}, "spacings", "horizon", "from the schedule and --step (or --last)");
    v.number("step", step, {0, kNoLimit}, "steps", "steps trained so far", "--last");
    v.number("period", period, {2, 1e9}, "steps", "optimiser steps between two nowcasts");
    v.number("max-train-steps", max_train_steps, {1, 1e9}, "steps", "planned budget");
    v.number("k-decay", k_decay, {0.01, 100.0}, "", "power p of the horizon schedule");
    nowcast.visit(v);
    v.text("pos", pos, "NAME|FILE",
           "node encodings: a tensor of --states, or a file that holds `pos`; else computed");
    v.flag("subgraph", subgraph, "cut the network at block boundaries (less memory)");
    v.group("Output");
    v.text("save-path", save_path, "FILE",
           "safetensors to write: `prediction` [P], or named tensors");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common) const;
};

struct GraphConfig {
  std::string arch, out, graph = "auto", graph_compat = "official";
  int64_t lpe = 8;
  bool subgraph = false;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("arch", arch, "FILE", "JSON with `params` (and `graph_args`); see the README");
    v.text("out", out, "FILE", "safetensors to write: edge_index, edge_type, pos, pos_w");
    v.number("lpe", lpe, {1, 100}, "", "Laplacian eigenvectors");
    v.choice("graph", graph, {"auto", "naive", "generic"}, "neural graph");
    v.choice("graph-compat", graph_compat, {"official", "corrected"},
             "keep or correct the official code's slips");
    v.flag("subgraph", subgraph, "one graph a block; tensors NAME.0, NAME.1, ...");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common) const;
};

struct EvalConfig {
  NowcastConfig nowcast;
  std::string states, arch, pos, trajectories, tasks_name;
  std::vector<int64_t> runs, horizons;
  std::vector<std::string> results;
  int64_t spacing = 200;
  bool embeddings = false;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("What to score");
    v.text("states", states, "FILE", "safetensors with `states` [P, ctx] and `future` [P, n]");
    v.text("arch", arch, "FILE", "JSON with `params` (and `graph_args`)");
    v.text("pos", pos, "NAME|FILE", "node encodings; else computed");
    v.text("trajectories", trajectories, "DIR", "or: folder that `collect` wrote");
    v.text("name", tasks_name, "NAME", "trajectory in it");
    v.list("runs", runs, {0, 1e6}, "held-out runs of it");
    v.number("spacing", spacing, {1, 1e6}, "steps", "training steps between two used states");
    v.list("results", results, {}, "FILE",
           "or: result.json files of `train`, for the steps-to-target table");
    v.flag("embeddings", embeddings,
           "of --trajectories also: mean node and edge features of NiNo along every run");
    v.list("horizons", horizons, {1, 1e6}, "horizons to report; all where none is given");
    nowcast.visit(v);
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common) const;
};

}  // namespace tenfold::nino_nowcast
