// Options of the subcommands. Names and defaults are the paper's (arXiv 2310.16046; specification,
// sections 3, 4, 7 and 8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/cli/tool.h"
#include "common/cli/visitor.h"
#include "tools/poyo-decode/model_spec.h"

namespace tenfold::poyo_decode {

using cli::kNoLimit;
using cli::Resume;

// Where recordings come from.
struct DataConfig {
  std::vector<std::string> data, sessions;
  std::string synthetic, readout = "cursor.vel";
  double normalize_std = 20;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Recordings");
    v.list("data", data, {}, "PATH", "HDF5 or NWB files, or folders of them");
    v.text("synthetic", synthetic, "SPEC",
           "generated sessions instead, such as co:5,rt:2,units:24,seconds:200,gain:1.2,seed:100");
    v.list("sessions", sessions, {}, "ID", "only these sessions; all where none is given");
    v.text("readout", readout, "GROUP.SERIES", "velocity to decode");
    v.number("normalize-std", normalize_std, {1e-6, 1e6}, "",
             "the target is velocity over this (Perich 20 cm/s, Churchland 800, O'Doherty 200)");
  }
  void resolve();  // UsageError unless one of data and synthetic is given
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
};

struct TrainConfig {
  DataConfig data;
  ModelConfig model;
  std::string unit_dropout = "60,300,1000,4", optimizer = "sparselamb", loss_weights = "paper",
              train_windows = "domain", schedule = "one-cycle";
  int64_t batch_size = 128, query_stride = 1, eval_query_stride = 1;
  std::optional<int64_t> epochs, steps;
  double base_lr = 3.125e-5, weight_decay = 1e-4, lr_decay_start = 0.5, embedding_lr_mult = 1;
  std::optional<double> max_lr;
  bool cycle_momentum = true, evaluate_validation = true;

  template <class Visitor>
  void visit(Visitor& v) {
    data.visit(v);
    model.visit(v);
    v.group("Training");
    v.number("batch-size", batch_size, {1, 1e6}, "windows", "windows a step");
    v.number("epochs", epochs, {1, 1e7}, "epochs", "passes over the windows", "1000");
    v.number("steps", steps, {1, 1e9}, "steps", "optimiser steps, instead of --epochs",
             "what --epochs says");
    v.choice("train-windows", train_windows, {"domain", "trials", "uniform"},
             "a jittered grid over the training domain or over its trials, or anywhere in it");
    v.text("unit-dropout", unit_dropout, "MIN,MODE,MAX,PEAK",
           "units that a window sees; MIN,MAX: uniform; off: all");
    v.number("query-stride", query_stride, {1, 1e4}, "samples", "every n-th sample is a target");
    v.choice("loss-weights", loss_weights, {"paper", "uniform"}, "by phase of the movement");
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
    v.flag("cycle-momentum", cycle_momentum, "beta1 .95 -> .85 -> .95, as PyTorch's OneCycle does");
    v.group("Evaluation");
    v.number("eval-query-stride", eval_query_stride, {1, 1e4}, "samples",
             "every n-th sample of a window is decoded");
    v.flag("evaluate-validation", evaluate_validation, "R2 on the validation trials on the way");
  }
  static std::vector<std::string> presets();
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);
};

struct EvalConfig {
  DataConfig data;
  std::string checkpoint, split = "test";
  int64_t eval_query_stride = 1;
  bool drop_spikes = false;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("checkpoint", checkpoint, "DIR", "a run's folder, or one of its checkpoints");
    data.visit(v);
    v.group("Evaluation");
    v.choice("split", split, {"valid", "test"}, "trials to decode");
    v.number("eval-query-stride", eval_query_stride, {1, 1e4}, "samples",
             "every n-th sample of a window is decoded");
    v.flag("drop-spikes", drop_spikes, "control: the model sees which units there are, no spikes");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common);
};

struct BaselineConfig {
  DataConfig data;
  std::string method = "wiener";
  std::optional<int64_t> n_trials;
  std::optional<double> bin;

  template <class Visitor>
  void visit(Visitor& v) {
    data.visit(v);
    v.group("Baseline");
    v.choice("method", method, {"wiener", "ridge"},
             "20 taps of 20 ms, or counts around the behaviour's own samples");
    v.number("n-trials", n_trials, {1, 1e9}, "trials", "training trials, the first in time", "all");
    v.number("bin", bin, {1e-4, 10.0}, "s", "ridge: width of a bin",
             "the least distance of two samples");
  }
  static std::vector<std::string> presets() { return {"small", "small-gen"}; }
  void apply_preset(const std::string& name, cli::CommonOptions& common);
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
  std::string readout = "cursor.vel";

  template <class Visitor>
  void visit(Visitor& v) {
    v.list("data", data, {}, "PATH", "HDF5 or NWB files, or folders of them");
    v.text("readout", readout, "GROUP.SERIES", "velocity to decode");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common);
};

}  // namespace tenfold::poyo_decode
