// `classify`: whether the latents of a trained translator tell the stimulus, and whether what they
// are made from does (specification, section 3.9).

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/core/error.h"
#include "common/log/logger.h"
#include "tools/samba-align/classification.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/opened_run.h"
#include "tools/samba-align/report_metric.h"
#include "tools/samba-align/window_features.h"

namespace tenfold::samba_align {
namespace {

struct Experiment {
  std::string name;  // parts, folds, or without SUBJECT
  std::vector<WindowSplit> splits;
};

std::vector<Experiment> experiments_of(const ClassifyConfig& config, const OpenedRun& run,
                                       const std::vector<LabelledWindow>& windows) {
  std::vector<Experiment> all = {{"parts", split_by_parts(windows)}};
  if (config.folds > 0) {
    all.push_back({"folds", split_by_folds(windows, run.dataset->parts().test, config.folds,
                                           run.stored.spec.frames)});
  }
  if (!config.subjects) return all;
  std::vector<WindowSplit> splits = split_by_subjects(windows);
  if (splits.size() < 2) {
    throw UsageError(fmt::format("--subjects: found {} subject with labels in {}, expected 2",
                                 splits.size(), run.recordings.path));
  }
  for (WindowSplit& split : splits) {
    const size_t subject = windows[size_t(split.test.empty() ? 0 : split.test[0])].subject;
    all.push_back({"without " + run.recordings.subjects[subject].subject, {std::move(split)}});
  }
  return all;
}

// One classifier's rates, seed by seed.
struct Rates {
  std::vector<Maybe> accuracy, balanced;
};

// Gathers what all classifiers found.
class Findings {
 public:
  Findings(const ClassifyConfig& config, const std::vector<LabelledWindow>& windows,
           const std::vector<Experiment>& experiments)
      : windows_(windows), experiments_(experiments) {
    options_.c = config.clf_c;
    options_.standardise = config.standardise;
  }

  // `seed` is null for features that no seed has a part in.
  void add(const FeatureSet& set, const log::Value& seed) {
    std::vector<Maybe> accuracy, balanced;  // without a subject each
    for (const Experiment& e : experiments_) {
      const ClassificationScores s = classify_windows(set, windows_, e.splits, options_);
      features_.rows.push_back({seed, e.name, set.name, s.features, s.train, s.test, s.accuracy,
                                s.balanced_accuracy, s.majority, s.chance, s.iterations});
      for (size_t k = 0; k < s.categories.size(); ++k)
        for (size_t l = 0; l < s.categories.size(); ++l)
          confusion_.rows.push_back(
              {seed, e.name, set.name, s.categories[k], s.categories[l], s.confusion[k][l]});
      if (e.name == "parts" || e.name == "folds") {
        Rates& rates = rates_[{e.name, set.name}];
        rates.accuracy.emplace_back(s.accuracy);
        rates.balanced.emplace_back(s.balanced_accuracy);
        if (e.name == "parts") last_ = s;
      } else {
        accuracy.emplace_back(s.accuracy);
        balanced.emplace_back(s.balanced_accuracy);
      }
    }
    if (accuracy.empty()) return;
    Rates& rates = rates_[{"subjects", set.name}];
    rates.accuracy.push_back(mean_of(accuracy));
    rates.balanced.push_back(mean_of(balanced));
  }

  void report(log::Result& result, const std::string& chosen) const {
    const auto add_rates = [&](const std::string& name, const Rates& rates,
                               const std::string& end) {
      const std::string prefix = name == "parts" ? "" : name + "_";
      add_metric(result, prefix + "accuracy" + end, rates.accuracy, true, "", "");
      add_metric(result, prefix + "balanced_accuracy" + end, rates.balanced, true, "", "");
    };
    for (const auto& [key, rates] : rates_)
      if (key.second == chosen) add_rates(key.first, rates, "");
    add_metric(result, "majority_rate", {last_.majority}, std::nullopt, "", "");
    add_metric(result, "chance", {last_.chance}, std::nullopt, "", "");
    for (const auto& [key, rates] : rates_) add_rates(key.first, rates, "/" + key.second);
    result.tables.emplace_back("features", features_);
    result.tables.emplace_back("confusion", confusion_);
  }

 private:
  const std::vector<LabelledWindow>& windows_;
  const std::vector<Experiment>& experiments_;
  ClassifierOptions options_;
  ClassificationScores last_;  // its rates of the windows alone are those of all
  std::map<std::pair<std::string, std::string>, Rates> rates_;
  log::Table features_{{"seed", "split", "features", "dimensions", "train_windows", "test_windows",
                        "accuracy", "balanced_accuracy", "majority_rate", "chance", "iterations"},
                       {}},
      confusion_{{"seed", "split", "features", "true", "predicted", "windows"}, {}};
};

std::vector<LabelledWindow> with_labels(std::vector<LabelledWindow> windows,
                                        const std::string& folder) {
  windows.erase(std::remove_if(windows.begin(), windows.end(),
                               [](const LabelledWindow& w) { return w.label < 0; }),
                windows.end());
  if (windows.empty()) {
    throw DataError(fmt::format(
        "{}: found no window with a label, expected labels.npy of the stimulus' categories",
        folder));
  }
  return windows;
}

}  // namespace

int classify(const ClassifyConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: samba-align computes on the CPU");
  const OpenedRun opened = open_run(config.run, config.data, config.weights);
  const ModelSpec& spec = opened.stored.spec;
  std::vector<std::string> names = latent_names(spec);
  if (config.latent != "all") {
    if (std::find(names.begin(), names.end(), config.latent) == names.end())
      throw UsageError(no_latent(config.latent, names));
    names = {config.latent};
  }
  const std::string chosen = names[0];
  const std::vector<LabelledWindow> windows =
      with_labels(labelled_windows(opened.recordings, opened.dataset->parts(), spec.frames,
                                   config.stride, spec.context_frames),
                  opened.recordings.path);
  const std::vector<Experiment> experiments = experiments_of(config, opened, windows);
  log::Result result = opened_result(opened);
  result.data.emplace_back("labelled_windows", int64_t(windows.size()));
  result.model.emplace_back("latent", chosen);
  if (run.options().dry_run) {
    run.emit(result, "classify/1");
    return 0;
  }
  Findings findings(config, windows, experiments);
  int64_t dimensions = 0;
  for (const auto& [seed, model] : opened.seed_models()) {
    log::info(fmt::format("classify: latents of seed {}", seed));
    for (const FeatureSet& set : latent_features(*model, *opened.dataset, windows, names)) {
      findings.add(set, seed);
      if (set.name == chosen) dimensions = set.x.cols();
    }
    if (!config.controls) continue;
    const std::unique_ptr<Model> fresh = make_model(spec, uint64_t(seed));
    std::vector<FeatureSet> untrained = latent_features(*fresh, *opened.dataset, windows, {"gat1"});
    untrained[0].name = "untrained";
    findings.add(untrained[0], seed);
  }
  if (config.controls) {
    log::info("classify: controls");
    for (const FeatureSet& set : control_features(*opened.dataset, windows, spec, dimensions))
      findings.add(set, nullptr);
  }
  findings.report(result, chosen);
  run.emit(result, "classify/1");
  return 0;
}

}  // namespace tenfold::samba_align
