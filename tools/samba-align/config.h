// Options of the subcommands. Names and defaults are the released code's, or the specification's
// (arXiv 2409.18462; specification, sections 2 to 8) where that is silent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/cli/tool.h"
#include "common/cli/visitor.h"
#include "tools/samba-align/model_spec.h"
#include "tools/samba-align/preparation.h"
#include "tools/samba-align/recording.h"
#include "tools/samba-align/simulation_input_files.h"
#include "tools/samba-align/simulation_options.h"
#include "tools/samba-align/training_options.h"

namespace tenfold::samba_align {

using cli::kNoLimit;
using cli::Resume;

// Where simulate, train and eval meet when nothing else is said.
constexpr const char* kSimulationFolder = "runs/samba-align/sim";
constexpr const char* kTrainFolder = "runs/samba-align/train";
constexpr const char* kSplits = "NAME|FILE";
constexpr const char* kSplitHelp =
    "blocked (70, 10 and 20 %), reference-eeg, reference-meg, or parts in a JSON file";

struct SimulateConfig {
  SimulationOptions options;
  SimulationInputFiles inputs;
  std::string out = kSimulationFolder;

  template <class Visitor>
  void visit(Visitor& v) {
    SimulationOptions& o = options;
    v.text("out", out, "DIR", "folder for sub-01, ..., truth.json");
    v.group("Size");
    v.number("subjects", o.subjects, {1, 1000}, "", "people who see the same stimulus");
    v.number("minutes", o.minutes, {1.0, 1e4}, "min", "of a recording");
    v.number("fs", o.fs, {10.0, 1e4}, "Hz", "rate of the electrophysiology");
    v.number("tr", o.tr, {0.1, 30.0}, "s", "of the fMRI; fs * tr is a whole number");
    v.number("ele-parcels", o.ele_parcels, {2, 1e4}, "", "parcels of the electrophysiology");
    v.number("hemo-parcels", o.hemo_parcels, {2, 1e4}, "", "parcels of the fMRI");
    v.group("Stimulus and sources");
    v.number("categories", o.stimulus.categories, {1, 1000}, "", "stimulus categories");
    v.number("dwell-min", o.stimulus.dwell_min, {0.0, 1e4}, "s", "least time of a category");
    v.number("dwell-mean", o.stimulus.dwell_mean, {0.0, 1e4}, "s", "mean of what is drawn");
    v.choice("dwell-rule", o.stimulus.dwell_rule, {"sum", "max"},
             "least plus drawn, or the longer");
    v.choice("stim-pattern", o.stimulus.stim_pattern, {"block", "dense"},
             "a category drives a quarter of the parcels, or all");
    v.choice("neural", o.neural, {"jansen-rit", "envelope"}, "neural mass, or envelope model");
    v.choice("positions", o.positions, {"sphere", "normal"}, "envelope: what couples parcels");
    v.number("slow-gain", o.slow_gain, {0.0, 100.0}, "", "envelope: slow drive in the signal");
    v.choice("sensors", o.sensors, {"none", "meg", "eeg"}, "forward and inverse model between");
    v.number("snr", o.snr, {1e-3, 1e6}, "", "of the sensors, rms over rms");
    v.group("Haemodynamics");
    v.choice("hrf", o.hrf, {"double-gamma", "balloon"}, "response of every source parcel");
    v.choice("hrf-box", o.hrf_box, {"model", "small"}, "double gamma: which parameters vary");
    v.choice("target-map", o.target_map, {"sphere", "child"},
             "smoothed over the sphere, or copied");
    v.number("crosstalk", o.crosstalk, {0.0, 100.0}, "", "random mixture of targets that is added");
    v.number("fmri-noise", o.fmri_noise, {0.0, 100.0}, "", "deviation over the signal's");
    v.number("fmri-noise-ar", o.fmri_noise_ar, {-0.99, 0.99}, "", "its AR(1) coefficient");
    v.number("drift", o.drift, {0.0, 100.0}, "",
             "largest linear drift over the signal's deviation");
    v.group("Your own matrices");
    v.text("connectome", inputs.connectome, "FILE", "[parcels, parcels] streamline counts");
    v.text("lengths", inputs.lengths, "FILE", "[parcels, parcels] mm, beside --connectome");
    v.text("leadfield", inputs.leadfield, "FILE", "[sensors, parcels] per Am, or of vertices");
    v.text("region-map", inputs.region_map, "FILE", "a parcel (0, 1, ...) for each vertex of it");
    v.text("fmri-noise-from", inputs.fmri_noise_from, "FILE",
           "real fMRI of as many parcels; its phase-randomised surrogates are the noise");
  }
  static std::vector<std::string> presets() { return {"small"}; }
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);
};

struct TrainConfig {
  std::string data = kSimulationFolder;
  std::vector<std::string> subjects;
  DatasetOptions windows;
  double context = 30;  // s
  ModelSpec model;
  std::string hrf_hidden = "128,512,128", hrf_param = "auto", hrf_start = "random";
  std::optional<int64_t> dense;
  std::optional<double> dropout, output_dropout, lstm_dropout;
  bool reference = false;
  TrainerOptions training;
  std::string first_frame = "zero";
  int64_t iterations = 1501;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Recordings");
    v.text("data", data, "DIR", "what `simulate` wrote");
    v.list("subjects", subjects, {}, "ID", "only these; all where none is given");
    v.list("test-subjects", windows.test_subjects, {}, "ID",
           "tested alone and not trained; every subject is both where none is given");
    v.choice("normalise", windows.normalise, {"window", "recording"},
             "one mean and deviation a window and modality, or over the training part");
    v.choice("pairing", windows.pairing, {"same", "cross"},
             "both modalities of one subject, or of two drawn independently");
    v.number("frames", windows.frames, {2, 1000}, "frames", "length of a window");
    v.number("context", context, {0.0, 1e4}, "s",
             "electrophysiology before a window that responses reach back to");
    v.choice("window-start", windows.window_start, {"any", "grid"},
             "training windows begin at any frame, or follow each other");
    v.text("split", windows.split, kSplits, kSplitHelp);
    v.number("gap", windows.gap_s, {0.0, 1e4}, "s", "between the parts that are blocked");
    v.choice("ele-feature", windows.ele_feature, {"raw", "envelope", "bandpower"},
             "raw series, low-passed magnitude, or log power of a band");
    v.number("feature-low", windows.feature_low, {0.1, 1e4}, "Hz", "bandpower: from");
    v.number("feature-high", windows.feature_high, {0.1, 1e4}, "Hz", "bandpower: to");
    v.number("feature-cutoff", windows.feature_cutoff, {0.01, 1e4}, "Hz",
             "low-pass of magnitude and power");
    v.group("Graphs");
    v.choice("graph-from", windows.graph_from, {"train", "all"}, "whose correlations");
    v.number("graph-density", windows.graph_density, {0.0, 1.0}, "",
             "share of the pairs that stay");
    v.number("graph-degree", windows.graph_degree, {0, 1e5}, "",
             "strongest neighbours of every parcel instead; 0: --graph-density");
    v.group("Model");
    v.choice("direction", model.direction, {"ele2hemo", "hemo2ele"},
             "electrophysiology to fMRI, or back");
    v.choice("variant", model.variant, {"v3", "v1"},
             "released code, or its first version's attention to bands and decoder");
    v.text("hrf-hidden", hrf_hidden, "N,N,...", "hidden widths of a parcel's response network");
    v.choice("hrf-param", hrf_param, {"auto", "sigmoid", "tanh"},
             "one number at a time (auto with v3), or all six at once (auto with v1)");
    v.choice("hrf-start", hrf_start, {"random", "centre"},
             "responses begin where their networks are drawn, or (ours) amid the ranges");
    v.choice("hrf-conv", model.hrf_conv, {"causal", "reference"},
             "convolution with the past, or the released code's centred correlation");
    v.number("hrf-length", model.hrf.seconds, {1.0, 120.0}, "s", "of a response");
    v.number("hrf-rate", model.hrf_rate, {0.0, 1e5}, "Hz",
             "causal convolutions at this rate (right to 1e-3 from 10 Hz on); 0: full rate");
    v.flag("train-hrf", model.train_hrf, "responses learn (the released code's do not)");
    v.number("levels", model.levels, {1, 10}, "",
             "of the db5 wavelet transform of a frame's block");
    v.flag("alpha-scale", model.scale_alpha, "wavelet attention of mean 1, not of sum 1");
    v.number("coef-mlp", model.coef_mlp, {0, 1e5}, "",
             "features that a network makes of a frame's weighed wavelets; 0: none");
    v.number("mlp-hidden", model.mlp_hidden, {1, 1e5}, "",
             "width of the networks of --coef-mlp, v1 and hemo2ele");
    v.choice("hemo-to-ele-mlp", model.hemo_to_ele_mlp, {"shared", "separate"},
             "hemo2ele: one network a wavelet level, or one a parcel and level");
    v.flag("linear-skip", model.linear_skip,
           "ours: add a linear map of the filtered series at every frame's end");
    v.number("heads", model.heads, {1, 256}, "", "of a graph attention layer");
    v.number("patches", model.patches, {1, 1e4}, "",
             "contiguous groups of parcels, upsampled alone");
    v.number("lstm-layers", model.lstm_layers, {1, 6}, "", "of the decoder");
    v.number("dense", dense, {1, 1e5}, "", "width between decoder and output",
             "128; hemo2ele: 100");
    v.number("graph-dropout", model.graph_dropout, {0.0, 0.99}, "", "after the first graph layer");
    v.number("dropout", dropout, {0.0, 0.99}, "", "of the dense layer", "0.3; hemo2ele: 0.1");
    v.number("output-dropout", output_dropout, {0.0, 0.99}, "", "of the output",
             "0.3; hemo2ele: 0.1");
    v.number("lstm-dropout", lstm_dropout, {0.0, 0.99}, "", "between the decoder's layers",
             "0.3; hemo2ele: 0.1");
    v.choice("ablate", model.ablate,
             {"none", "no-hrf", "fixed-hrf", "shared-hrf", "no-wavelet-attention", "no-graph",
              "gcn", "no-upsample-gat", "no-rnn"},
             "leave one part out");
    v.flag("reference", reference,
           "the released code's faults at once: correlation, no context, sum-1 attention, complete "
           "graphs of all data, untrained responses, dropout in evaluation, true first frame");
    v.group("Training");
    v.choice("loss", training.loss, {"cosine", "mse", "cosine+mse"}, "over a window's frames");
    v.number("iterations", iterations, {1, 1e9}, "steps", "optimiser steps");
    v.number("batch-size", training.batch_size, {1, 1e5}, "windows", "windows a step");
    v.number("lr", training.lr, {0.0, 10.0}, "", "Adam's learning rate");
    v.number("hrf-lr-mult", training.hrf_lr_multiplier, {0.0, 1e6}, "",
             "learning rate of the responses over the others'");
    v.number("teacher-forcing", training.teacher_forcing, {0.0, 1.0}, "",
             "how often the decoder is given the true frame");
    v.choice("first-frame", first_frame, {"zero", "truth"},
             "what the decoder begins with; truth leaks it");
    v.flag("eval-dropout", training.eval_dropout, "the released code's dropouts in evaluation");
  }
  static std::vector<std::string> presets() { return {"small", "paper", "reference"}; }
  static void set_defaults(cli::CommonOptions& common);
  void apply_preset(const std::string& name, cli::CommonOptions& common);
  void validate(const cli::CommonOptions& common);
};

struct EvalConfig {
  std::string run = kTrainFolder, data, part = "test", weights = "best";
  int64_t mc_samples = 0;
  std::string metrics = "own", predictions, attention;
  bool keep_first_frame = false;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("run", run, "DIR", "a run's folder, or one of its checkpoints");
    v.text("data", data, "DIR", "other recordings than those of the training");
    v.choice("part", part, {"train", "valid", "test"}, "which windows to translate");
    v.choice("weights", weights, {"best", "last"}, "of the least validation loss, or the last");
    v.number("mc-samples", mc_samples, {0, 1e4}, "passes",
             "mean and deviation of passes under dropout; 0: one without");
    v.choice("metrics", metrics, {"own", "reference"}, "also the released code's pooled scores");
    v.text("predictions", predictions, "FILE.npz", "y_hat, y and start_frame of every window");
    v.text("attention", attention, "FILE.npz",
           "ele and hemo: what every parcel hears of each other one, mean over the windows");
    v.flag("keep-first-frame", keep_first_frame, "score a window's first frame too");
  }
  static std::vector<std::string> presets() { return {"small", "paper", "reference"}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions&);
};

// What the latents of a run are taken from.
struct ClassifyConfig {
  std::string run = kTrainFolder, data, weights = "best", latent = "all";
  int64_t stride = 3;
  double clf_c = 0.1;
  bool standardise = true, controls = true, subjects = false;
  int64_t folds = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("run", run, "DIR", "a run's folder, or one of its checkpoints");
    v.text("data", data, "DIR", "other recordings than those of the training");
    v.choice("weights", weights, {"best", "last"}, "of the least validation loss, or the last");
    v.choice("latent", latent, {"all", "gat1", "up", "gat2", "lstm", "mlp"},
             "first graph layer, upsampled, second graph layer, decoder; hemo2ele: wavelets");
    v.flag("controls", controls, "also the input, filtered input, its components, no training");
    v.number("stride", stride, {1, 1000}, "frames", "between windows of a part");
    v.number("clf-c", clf_c, {1e-9, 1e9}, "", "inverse strength of the classifier's prior");
    v.flag("standardise", standardise, "features to deviation 1 on the training windows");
    v.number("folds", folds, {0, 1000}, "",
             "also cross-validated over so many stretches of the test part");
    v.flag("subjects", subjects, "also one subject tested by what the others teach, each in turn");
  }
  static std::vector<std::string> presets() { return {"small", "paper", "reference"}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions&);
};

struct EncodeConfig {
  std::string run = kTrainFolder, data, weights = "best", latent = "gat1";
  int64_t stride = 3;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("run", run, "DIR", "a run's folder, or one of its checkpoints");
    v.text("data", data, "DIR", "other recordings than those of the training");
    v.choice("weights", weights, {"best", "last"}, "of the least validation loss, or the last");
    v.choice("latent", latent, {"gat1", "up", "gat2", "lstm", "mlp"},
             "first graph layer, upsampled, second graph layer, decoder; hemo2ele: wavelets");
    v.number("stride", stride, {1, 1000}, "frames", "between windows of a part");
  }
  static std::vector<std::string> presets() { return {"small", "paper", "reference"}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions&) {}
};

struct HrfConfig {
  std::string run = kTrainFolder, data, weights = "best";

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("run", run, "DIR", "a run's folder, or one of its checkpoints");
    v.text("data", data, "DIR", "other recordings than those of the training");
    v.choice("weights", weights, {"best", "last"}, "of the least validation loss, or the last");
  }
  static std::vector<std::string> presets() { return {"small", "paper", "reference"}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions&) {}
};

struct TranslateConfig {
  std::string run = kTrainFolder, data, subject, weights = "best", ele, hemo, out;

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("ele", ele, "FILE.npy", "electrophysiology [parcels, samples] at the model's rate");
    v.text("hemo", hemo, "FILE.npy", "hemo2ele: fMRI [targets, frames] instead");
    v.text(
        "out", out, "FILE.npy",
        "where the fMRI [targets, frames] or electrophysiology [parcels, samples] goes, float32");
    v.text("run", run, "DIR", "a run's folder, or one of its checkpoints");
    v.text("data", data, "DIR", "whose graphs and scale hold; the training's recordings");
    v.text("subject", subject, "ID", "of them; the first where none is given");
    v.choice("weights", weights, {"best", "last"}, "of the least validation loss, or the last");
  }
  static std::vector<std::string> presets() { return {"small", "paper", "reference"}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions&);
};

struct BaselineConfig {
  std::string data = kSimulationFolder, kind = "canonical-ridge", part = "test";
  std::string normalise = "recording", split = "blocked";
  std::vector<std::string> subjects, test_subjects;
  int64_t frames = 15, iterations = 300;
  double gap = 30;  // s

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("data", data, "DIR", "what `simulate` wrote");
    v.list("subjects", subjects, {}, "ID", "only these; all where none is given");
    v.list("test-subjects", test_subjects, {}, "ID",
           "tested with what all others teach together; else everyone is fitted alone");
    v.choice(
        "kind", kind,
        {"canonical-ridge", "lagged-ridge", "mean", "persistence", "cca", "mlp", "lstm", "all"},
        "which predictor; persistence sees the truth of the frame before");
    v.number("iterations", iterations, {1, 1e7}, "steps", "of mlp and lstm");
    v.choice("part", part, {"train", "valid", "test"}, "which windows to translate");
    v.number("frames", frames, {2, 1000}, "frames", "length of a window");
    v.choice("normalise", normalise, {"recording", "window"},
             "window: what is found and the truth are normalised again, window by window");
    v.text("split", split, kSplits, kSplitHelp);
    v.number("gap", gap, {0.0, 1e4}, "s", "between the parts that are blocked");
  }
  static std::vector<std::string> presets() { return {"small"}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions&) {}
};

// How files are read that others made: what `info` and `prepare` share.
template <class Visitor>
void visit_file_options(FileOptions& o, Visitor& v) {
  v.choice("layout", o.layout, {"auto", "ct", "tc"},
           "of plain arrays: rows are channels, or times; auto: the axis of known length");
  v.text("mat-var", o.arrays.mat_var, "NAME", "variable of a MATLAB file with several matrices");
  v.text("h5-dataset", o.arrays.h5_dataset, "PATH",
         "dataset of an HDF5 file with several matrices");
  v.text("array", o.arrays.array, "NAME", "array of an .npz or .safetensors file with several");
  v.choice("picks", o.picks, {"auto", "meg", "mag", "grad", "eeg", "all"},
           "channels of FIF; auto: MEG if there is any, else EEG");
  v.flag("keep-bads", o.keep_bads, "bad channels of FIF stay");
  v.choice("fif-gaps", o.fif_gaps, {"refuse", "zero"}, "missing data of FIF");
  v.flag("allow-maxshield", o.allow_maxshield, "raw FIF with active shielding is read");
}

struct InfoConfig {
  std::string data = kSimulationFolder;
  FileOptions file;
  DatasetOptions windows;
  double context = 30;  // s

  template <class Visitor>
  void visit(Visitor& v) {
    v.text("data", data, "FILE|DIR", "a recording, or a folder of `simulate` or `prepare`");
    v.group("Files");
    visit_file_options(file, v);
    v.group("Folders");
    v.number("frames", windows.frames, {2, 1000}, "frames", "length of a window");
    v.number("context", context, {0.0, 600.0}, "s", "of electrophysiology before a window");
    v.text("split", windows.split, kSplits, kSplitHelp);
    v.number("gap", windows.gap_s, {0.0, 1e4}, "s", "between the parts that are blocked");
    v.number("graph-degree", windows.graph_degree, {0, 1e5}, "", "strongest neighbours; 0: all");
  }
  static std::vector<std::string> presets() { return {"small"}; }
  void apply_preset(const std::string&, cli::CommonOptions&) { windows.graph_degree = 2; }
  void validate(const cli::CommonOptions&) {}
};

struct PrepareConfig {
  PrepareOptions options;
  FileOptions file;
  std::vector<std::string> parcels;
  std::string out;

  template <class Visitor>
  void visit(Visitor& v) {
    PrepareOptions& o = options;
    v.text("out", out, "DIR", "folder that appears when all is done");
    v.group("Recordings");
    v.list("ele", o.ele, {}, "FILE",
           "electrophysiology: runs, subject after subject; a+b joins rows");
    v.list("hemo", o.hemo, {}, "FILE", "fMRI, in the same order");
    v.list("events", o.events, {}, "FILE",
           "events.tsv of each run; else *_events.tsv beside *_bold");
    v.list("subjects", o.subjects, {}, "ID", "names; none: the files' sub-XX, or one subject");
    v.number("fs", file.fs, {0.0, 1e5}, "Hz",
             "of electrophysiology that does not say it; with --resample where it is brought to");
    v.number("tr", file.tr, {0.0, 1e6}, "s", "of the fMRI; 0: the sidecar's or the file's");
    v.flag("resample", file.resample, "electrophysiology to --fs, or to whole samples a frame");
    v.list("trim-samples", o.trim, {0, 1e9}, "samples off each end, one number or one a run");
    v.choice("durations", o.durations, {"refuse", "cut"}, "where they differ by more than a frame");
    v.choice("nan", file.nan, {"error", "zero", "interp", "reference"}, "what is not finite");
    v.text("inverse", file.inverse, "FILE", "[parcels, channels], what sensors go through");
    v.group("Parcels");
    v.list("parcels", parcels, {}, "FILE", "atlas of both modalities: one file, or left,right");
    v.list("ele-atlas", o.ele_parcels, {}, "FILE", "atlas of the electrophysiology alone");
    v.list("hemo-atlas", o.hemo_parcels, {}, "FILE", "atlas of the fMRI alone");
    v.number("ele-parcels", o.ele_file.rows, {0, 1e7}, "", "known number of rows; 0: unknown");
    v.number("hemo-parcels", o.hemo_file.rows, {0, 1e7}, "", "known number of rows; 0: unknown");
    v.group("Files");
    visit_file_options(file, v);
  }
  static std::vector<std::string> presets() { return {"small"}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions& common);
};

// What a training's options say together with the recordings' sizes.
ModelSpec model_spec(const TrainConfig& config, const RecordingSet& recordings);
DatasetOptions dataset_options(const TrainConfig& config, const RecordingSet& recordings);

}  // namespace tenfold::samba_align
