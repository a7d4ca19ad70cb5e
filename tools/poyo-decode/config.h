// Options of the subcommands. Names and defaults are the paper's (arXiv 2310.16046; specification,
// sections 3, 4, 7 and 8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/cli/tool.h"
#include "common/cli/visitor.h"
#include "tools/poyo-decode/baseline_options.h"
#include "tools/poyo-decode/model_spec.h"

namespace tenfold::poyo_decode {

using cli::kNoLimit;
using cli::Resume;

// Where recordings come from.
struct DataConfig {
  std::vector<std::string> data, sessions;
  std::string synthetic, dataset, readout;  // empty: perich, and the data set's
  double normalize_std = 0;                 // 0: the data set's

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Recordings");
    v.list("data", data, {}, "PATH", "HDF5 or NWB files, or folders of them");
    v.text("synthetic", synthetic, "SPEC",
           "generated sessions instead, such as co:5,rt:2,units:24,seconds:200,gain:1.2,seed:100");
    v.list("sessions", sessions, {}, "ID", "only these sessions; all where none is given");
    v.text(
        "dataset", dataset, "NAME|FILE",
        "what the recordings are of: perich (unless given), churchland, odoherty, flint, nlb-maze, "
        "nlb-rtt, or a TOML file");
    v.text("readout", readout, "GROUP.SERIES", "velocity to decode; unless given the data set's");
    v.number("normalize-std", normalize_std, {0.0, 1e6}, "",
             "the target is velocity over this; 0: the data set's (perich 20 cm/s)");
  }
  void check_at_most_one_source() const;  // where the stored run's own will do
  void check_one_source() const;
  void resolve();  // UsageError unless one of data and synthetic is given; fills in the data set's
};

struct ModelConfig {
  ModelSpec spec;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Model");
    v.number("window", spec.window, {0.01, 60.0}, "s", "length of a window");
    v.number("latent-step", spec.latent_step, {0.001, 60.0}, "s", "time between latents");
    v.number("latents-per-step", spec.latents_per_step, {1, 4096}, "", "latents at each time");
    v.number("dim", spec.dim, {2, 8192}, "", "width");
    v.number("depth", spec.depth, {0, 256}, "", "self-attention layers");
    v.number("dim-head", spec.dim_head, {4, 1024}, "", "width of a head");
    v.number("cross-heads", spec.cross_heads, {1, 256}, "", "heads of encoder and decoder");
    v.number("self-heads", spec.self_heads, {1, 256}, "", "heads of the layers between");
    v.number("ffn-dropout", spec.ffn_dropout, {0.0, 0.99}, "", "in the feed-forward blocks");
    v.number("lin-dropout", spec.lin_dropout, {0.0, 0.99}, "", "of what a layer adds");
    v.number("atn-dropout", spec.atn_dropout, {0.0, 0.99}, "", "of attention weights");
  }
  template <class Visitor>
  void visit_ablations(Visitor& v) {
    v.flag("delimiters", spec.delimiters, "tokens that say which units there are");
    v.flag("value-rotation", spec.value_rotation, "times turn values, not only queries and keys");
    v.flag("time-embedding", spec.time_embedding, "times reach the model at all");
    v.choice("rotate", spec.rotate, {"half-head", "full-head"}, "part of a head that times turn");
  }
};

// How a decoder is trained.
struct TrainingConfig {
  std::string unit_dropout = "60,300,1000,4", optimizer = "sparselamb", loss_weights = "paper",
              train_windows = "domain", schedule = "one-cycle";
  int64_t batch_size = 128, query_stride = 1, eval_query_stride = 1;
  std::optional<int64_t> epochs, steps;
  double base_lr = 3.125e-5, weight_decay = 1e-4, lr_decay_start = 0.5, embedding_lr_mult = 1;
  std::optional<double> max_lr;
  bool cycle_momentum = true, evaluate_validation = true;
  std::string time_scaling = "off";
  int64_t micro_batch = 0;

  // UsageError for weights that recordings of `data` cannot have.
  void check(const DataConfig& data) const;

  double highest_lr() const { return max_lr.value_or(base_lr * double(batch_size)); }

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Training");
    v.number("batch-size", batch_size, {1, 1e6}, "windows", "windows a step");
    v.number("micro-batch", micro_batch, {0, 1e6}, "windows",
             "of a step's windows so many at a time, for less memory; 0: all");
    v.number("epochs", epochs, {1, 1e7}, "epochs", "passes over the windows",
             "train 1000, finetune 100");
    v.number("steps", steps, {1, 1e9}, "steps", "optimiser steps, instead of --epochs",
             "what --epochs says");
    v.choice("train-windows", train_windows, {"domain", "trials", "uniform"},
             "a jittered grid over the training domain or over its trials, or anywhere in it");
    v.text("unit-dropout", unit_dropout, "MIN,MODE,MAX,PEAK",
           "units that a window sees; MIN,MAX: uniform; off: all");
    v.number("query-stride", query_stride, {1, 1e4}, "samples", "every n-th sample is a target");
    v.text("loss-weights", loss_weights, "paper|uniform|FILE",
           "by phase of the movement: the data set's, none, or lines SET = WEIGHT");
    v.choice("optimizer", optimizer, {"sparselamb", "lamb", "adamw"}, "update rule");
    v.number("base-lr", base_lr, {0.0, 10.0}, "", "learning rate for a batch of one window");
    v.number("max-lr", max_lr, {0.0, 1e3}, "", "learning rate", "base-lr x batch-size");
    v.number("embedding-lr-mult", embedding_lr_mult, {0.0, 1e4}, "",
             "learning rate of the unit and session tables over that of the rest");
    v.number("weight-decay", weight_decay, {0.0, 10.0}, "", "of every tensor");
    v.choice("schedule", schedule, {"one-cycle", "half-cosine"},
             "PyTorch's OneCycle, or a cosine from --lr-decay-start on");
    v.number("lr-decay-start", lr_decay_start, {0.0, 1.0}, "",
             "share of the steps at the full rate");
    v.text("time-scaling", time_scaling, "MIN,MAX",
           "the times of a window's spikes and samples grow by a factor drawn between; off: none");
    v.flag("cycle-momentum", cycle_momentum, "beta1 .95 -> .85 -> .95, as PyTorch's OneCycle does");
    v.group("Evaluation");
    v.number("eval-query-stride", eval_query_stride, {1, 1e4}, "samples",
             "every n-th sample of a window is decoded");
    v.flag("evaluate-validation", evaluate_validation, "R2 on the validation trials on the way");
  }
};

// A text of --n-trials; kAllTrials for all. Throws UsageError.
int64_t number_of_trials(const std::string& text);

// Which of the training trials have labels.
struct FewShotConfig {
  std::vector<std::string> n_trials = {"all"};
  std::string trial_order = "time";

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Labelled trials");
    v.list("n-trials", n_trials, {}, "N|all",
           "training trials of each session; one decoder for each number");
    v.choice("trial-order", trial_order, {"time", "random"}, "the first in time, or drawn by seed");
  }
  // Each number once, ascending; kAllTrials comes last. Throws UsageError.
  std::vector<int64_t> numbers() const;
};

struct TrainConfig {
  DataConfig data;
  FewShotConfig few_shot;
  ModelConfig model;
  TrainingConfig training;
  double bin_spikes = 0;  // ms
  bool data_parallel = false;

  template <class Visitor>
  void visit(Visitor& v) {
    data.visit(v);
    few_shot.visit(v);
    model.visit(v);
    training.visit(v);
    v.group("Processes");
    v.flag("data-parallel", data_parallel,
           "one of the processes that torchrun or SLURM started, each with a share of every batch");
    v.group("Ablations");
    model.visit_ablations(v);
    v.number("bin-spikes", bin_spikes, {0.0, 1e6}, "ms",
             "spikes move to the middle of bins of this width; 0: as they are");
  }
  static std::vector<std::string> presets();
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);
  bool writes() const;  // whether this process writes the run's folder and result
};

// A trained decoder meets new sessions (section 4): identification learns rows of their units and
// sessions alone, fine-tuning later all.
struct FinetuneConfig {
  std::string checkpoint;
  DataConfig data;
  FewShotConfig few_shot;
  TrainingConfig training;
  bool unit_id = false;
  int64_t freeze_until = 10;
  std::vector<std::string> compare;
  std::optional<double> scratch_max_lr;
  double scratch_embedding_lr_mult = 1;

  FinetuneConfig();

  // The rest learns from this epoch on; -1: never.
  int64_t unfrozen_from() const { return unit_id ? -1 : freeze_until; }
  bool compares(const std::string& with) const;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("checkpoint", checkpoint, "DIR", "a run's folder, or one of its checkpoints");
    data.visit(v);
    few_shot.visit(v);
    v.group("Transfer");
    v.flag("unit-id", unit_id, "unit identification: --freeze-until -1");
    v.number("freeze-until", freeze_until, {-1, 1e7}, "epochs",
             "only units and sessions learn before this epoch; 0: all from the start, -1: never");
    v.list("compare", compare, {"scratch", "wiener"}, "DECODER",
           "also from scratch, with as many steps, and a Wiener filter, on the same trials");
    v.number("scratch-max-lr", scratch_max_lr, {0.0, 1e3}, "", "learning rate from scratch",
             "3.125e-5 x batch-size");
    v.number("scratch-embedding-lr-mult", scratch_embedding_lr_mult, {0.0, 1e4}, "",
             "from scratch, as --embedding-lr-mult");
    training.visit(v);
  }
  static std::vector<std::string> presets() { return {"small", "small-gen", "paper"}; }
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);
};

// `finetune --unit-id` under the paper's name.
struct IdentifyConfig : FinetuneConfig {
  IdentifyConfig();
  void validate(const cli::CommonOptions& common);
};

struct EvalConfig {
  DataConfig data;
  std::string checkpoint, split = "test";
  int64_t eval_query_stride = 1, trajectories = 3;
  bool drop_spikes = false, shuffle_units = false;
  double spike_jitter = 0, bin_spikes = 0;  // ms
  std::string pred_out;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("checkpoint", checkpoint, "DIR", "a run's folder, or one of its checkpoints");
    data.visit(v);
    v.group("Evaluation");
    v.choice("split", split, {"valid", "test"}, "trials to decode");
    v.number("eval-query-stride", eval_query_stride, {1, 1e4}, "samples",
             "every n-th sample of a window is decoded");
    v.text("pred-out", pred_out, "FILE.h5", "decoded and true velocity of every session");
    v.number("trajectories", trajectories, {0, 100}, "trials",
             "held-out trials a session whose velocities the result shows");
    v.group("Controls");
    v.flag("drop-spikes", drop_spikes, "the model sees which units there are, no spikes");
    v.flag("shuffle-units", shuffle_units, "units of a session trade their names, by --seed");
    v.number("spike-jitter", spike_jitter, {0.0, 1e6}, "ms",
             "every spike moves by at most this, uniformly, by --seed");
    v.number("bin-spikes", bin_spikes, {0.0, 1e6}, "ms",
             "spikes move to the middle of bins of this width; 0: as in training");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common);
};

struct DecodeConfig {
  DataConfig data;
  std::string checkpoint, pred_out;
  double step = 0.01, query_offset = 0.01;
  std::optional<double> start, duration;
  int64_t trajectories = 3;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("checkpoint", checkpoint, "DIR", "a run's folder, or one of its checkpoints");
    data.visit(v);
    v.group("Stream");
    v.number("step", step, {1e-4, 60.0}, "s", "time between two outputs");
    v.number("query-offset", query_offset, {0.0, 60.0}, "s",
             "how long before a step the velocity is asked for");
    v.number("start", start, {-kNoLimit, kNoLimit}, "s", "where in the recording to begin",
             "its beginning");
    v.number("duration", duration, {1e-3, kNoLimit}, "s", "how much of it to decode", "all");
    v.text("pred-out", pred_out, "FILE.h5", "velocity and latency of every step");
    v.number("trajectories", trajectories, {0, 100}, "trials",
             "held-out trials a session whose velocities the result shows");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  static void set_defaults(cli::CommonOptions& common) { common.threads = 1; }  // steps are short
  void validate(const cli::CommonOptions& common);
};

struct BaselineConfig {
  DataConfig data;
  BaselineOptions options;
  std::string n_trials = "all", trial_order = "time";
  std::optional<double> window;
  std::vector<std::string> lr, weight_decay;

  template <class Visitor>
  void visit(Visitor& v) {
    data.visit(v);
    v.group("Baseline");
    v.choice("method", options.method, {"wiener", "ridge", "kalman", "mlp", "gru"},
             "20 taps of 20 ms; counts around the behaviour's own samples; filter; networks");
    v.text("n-trials", n_trials, "N|all", "training trials of a session");
    v.choice("trial-order", trial_order, {"time", "random"}, "the first in time, or drawn by seed");
    v.choice(
        "rows", options.rows, {"auto", "bins", "samples"},
        "kalman, mlp, gru: bins of the session, or counts around samples (auto: from 40 ms on)");
    v.number("bin", options.bin, {1e-4, 10.0}, "s", "all but wiener: width of a bin",
             "50 ms for kalman, 20 ms for mlp and gru; around samples their least distance");
    v.number("window", window, {0.01, 1e3}, "s", "gru on bins: length of a window", "1");
    v.number("epochs", options.epochs, {1, 1e6}, "epochs", "mlp, gru: the best of so many is kept",
             "mlp 50, gru 100");
    v.list("hidden", options.hidden, {1, 1e5}, "mlp, gru: widths to try; else 256; 64,128");
    v.list("lr", lr, {}, "RATE", "mlp, gru: learning rates to try; else 1e-3,3e-4");
    v.list("weight-decay", weight_decay, {}, "DECAY",
           "mlp, gru: weight decays to try; else 1e-4,1e-2; 1e-2");
  }
  static std::vector<std::string> presets() { return {"small", "small-gen"}; }
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);
};

struct EmbedConfig {
  DataConfig data;
  std::string checkpoint, against;
  int64_t components = 3;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("checkpoint", checkpoint, "DIR", "a run's folder, or one of its checkpoints");
    v.text("against", against, "DIR", "another one: how far every tensor has moved from it");
    v.number("components", components, {1, 64}, "", "principal components of the map");
    data.visit(v);
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common);
};

struct GenConfig {
  std::string synthetic, save_path;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("synthetic", synthetic, "SPEC",
           "such as co:5,rt:2,units:24,seconds:200,gain:1.2,seed:0 (also untuned, multi, pool)");
    v.text("save-path", save_path, "DIR", "folder for one HDF5 file a session");
  }
  static std::vector<std::string> presets() { return {"small", "small-gen"}; }
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);
};

struct InfoConfig {
  std::vector<std::string> data;
  std::string dataset, readout;

  template <class Visitor>
  void visit(Visitor& v) {
    v.list("data", data, {}, "PATH", "HDF5 or NWB files, or folders of them");
    v.text("dataset", dataset, "NAME|FILE", "what the recordings are of; perich unless given");
    v.text("readout", readout, "GROUP.SERIES", "velocity to decode; unless given the data set's");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common);
};

}  // namespace tenfold::poyo_decode
