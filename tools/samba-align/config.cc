#include "tools/samba-align/config.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "common/core/error.h"

namespace tenfold::samba_align {
namespace {

std::vector<int64_t> widths_of(const std::string& text) {
  std::vector<int64_t> widths;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, comma - at);
    char* end = nullptr;
    widths.push_back(std::strtoll(part.c_str(), &end, 10));
    if (part.empty() || *end != '\0' || widths.back() < 1) {
      throw UsageError(fmt::format(
          "--hrf-hidden: found '{}' in '{}', expected widths such as 128,512,128", part, text));
    }
    at = comma + 1;
  }
  return widths;
}

void require_ending(const std::string& option, const std::string& path, const std::string& end) {
  if (path.empty() ||
      (path.size() > end.size() && path.compare(path.size() - end.size(), end.size(), end) == 0))
    return;
  throw UsageError(
      fmt::format("{}: found '{}', expected a name that ends with {}", option, path, end));
}

// Options that would change nothing are refused.
void check_options(const TrainConfig& c) {
  const ModelSpec& m = c.model;
  const auto refuse = [](const std::string& option, const std::string& why) {
    throw UsageError(fmt::format("{}: {}", option, why));
  };
  if (m.direction == "hemo2ele") {
    if (m.variant == "v1") refuse("--variant v1", "only with --direction ele2hemo");
    if (m.coef_mlp > 0) refuse("--coef-mlp", "only with --direction ele2hemo");
    if (m.linear_skip) refuse("--linear-skip", "only with --direction ele2hemo");
    for (const char* part : {"no-hrf", "fixed-hrf", "shared-hrf", "no-wavelet-attention"})
      if (m.ablate == part) refuse("--ablate " + m.ablate, "hemo2ele has no such part");
  } else if (m.hemo_to_ele_mlp != "shared") {
    refuse("--hemo-to-ele-mlp", "only with --direction hemo2ele");
  }
  if (m.hrf_rate > 0 && m.hrf_conv == "reference")
    refuse("--hrf-rate", "only with --hrf-conv causal");
  if (m.variant == "v1" && m.coef_mlp > 0) refuse("--coef-mlp", "only with --variant v3");
  const DatasetOptions& w = c.windows;
  if (w.ele_feature == "bandpower" && w.feature_low >= w.feature_high) {
    refuse("--feature-low", fmt::format("found {} Hz, expected less than --feature-high {} Hz",
                                        w.feature_low, w.feature_high));
  }
}

}  // namespace

void SimulateConfig::apply_preset(const std::string&, cli::CommonOptions&) {
  options = small_preset();
}

void SimulateConfig::validate(const cli::CommonOptions& common) {
  if (out.empty()) throw UsageError("--out: missing");
  if (common.seed.size() != 1)
    throw UsageError("--seed: found several, expected one: a folder holds one simulation");
  options.seed = uint64_t(common.seed[0]);
  check_simulation(options, {});
}

void PrepareConfig::validate(const cli::CommonOptions&) {
  if (out.empty()) throw UsageError("--out: missing");
  if (options.ele.empty() && options.hemo.empty())
    throw UsageError("--ele, --hemo: missing, expected files of one of them at least");
  if (file.tr > 30) {
    throw UsageError(fmt::format("--tr: found {} s, expected at most 30: is it in ms?", file.tr));
  }
  const int64_t rows[] = {options.ele_file.rows, options.hemo_file.rows};
  options.ele_file = options.hemo_file = file;
  options.ele_file.rows = rows[0];
  options.hemo_file.rows = rows[1];
  if (options.ele_parcels.empty()) options.ele_parcels = parcels;
  if (options.hemo_parcels.empty()) options.hemo_parcels = parcels;
}

void TrainConfig::set_defaults(cli::CommonOptions& common) {
  common.out = kTrainFolder;
  common.eval_every = common.checkpoint_every = 50;
}

void TrainConfig::apply_preset(const std::string& name, cli::CommonOptions&) {
  if (name == "reference") {
    reference = true;
    windows.window_start = "grid";
  }
  if (name != "small") return;
  // Section 8.
  windows.normalise = "recording";
  windows.graph_degree = 2;
  hrf_hidden = "32,32";
  model.patches = 10;
  model.graph_dropout = 0.1;
  output_dropout = 0;
  model.mlp_hidden = 64;
  training.batch_size = 16;
  training.lr = 2e-3;
  iterations = 301;
}

void TrainConfig::validate(const cli::CommonOptions&) {
  model.hrf.hidden = widths_of(hrf_hidden);
  if (reference) {
    model.hrf_conv = "reference";
    model.train_hrf = model.scale_alpha = false;
    context = 0;
    windows.graph_from = "all";
    windows.graph_density = 1;
    windows.graph_degree = 0;
    first_frame = "truth";
    training.eval_dropout = true;
  }
  const bool back = model.direction == "hemo2ele";
  model.dense = dense.value_or(back ? 100 : 128);
  const double rate = back ? 0.1 : 0.3;
  model.dropout = dropout.value_or(rate);
  model.output_dropout = output_dropout.value_or(rate);
  model.lstm_dropout = lstm_dropout.value_or(rate);
  model.hrf.form = hrf_param != "auto" ? hrf_param : (model.variant == "v1" ? "tanh" : "sigmoid");
  model.hrf.centred = hrf_start == "centre";
  check_options(*this);
  if (model.ablate == "fixed-hrf") model.train_hrf = false;
  model.hrf.shared = model.ablate == "shared-hrf";
  windows.no_graph = model.ablate == "no-graph";
  training.true_first_frame = first_frame == "truth";
}

void ClassifyConfig::validate(const cli::CommonOptions&) {
  if (folds == 1) throw UsageError("--folds: found 1, expected 2 or more, or 0 for none");
}

void TranslateConfig::validate(const cli::CommonOptions&) {
  if (ele.empty() == hemo.empty())
    throw UsageError(fmt::format("--ele, --hemo: found {}, expected one of them",
                                 ele.empty() ? "none" : "both"));
  if (out.empty()) throw UsageError("--out: missing");
  require_ending("--out", out, ".npy");
}

void EvalConfig::validate(const cli::CommonOptions&) {
  require_ending("--predictions", predictions, ".npz");
  require_ending("--attention", attention, ".npz");
}

ModelSpec model_spec(const TrainConfig& config, const RecordingSet& recordings) {
  ModelSpec spec = config.model;
  spec.parcels = recordings.subjects[0].parcels;
  spec.targets = recordings.subjects[0].targets;
  spec.block = recordings.block;
  spec.rate = recordings.rate;
  const DatasetOptions windows = dataset_options(config, recordings);
  spec.frames = windows.frames;
  spec.context_frames = windows.context_frames;
  return spec;
}

DatasetOptions dataset_options(const TrainConfig& config, const RecordingSet& recordings) {
  DatasetOptions options = config.windows;
  options.context_frames = int64_t(std::ceil(config.context / recordings.tr - 1e-9));
  return options;
}

}  // namespace tenfold::samba_align
