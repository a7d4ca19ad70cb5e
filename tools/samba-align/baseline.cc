// `baseline`: what simple predictors make of the same windows (specification, section 6).

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/log/logger.h"
#include "tools/samba-align/cca.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/lagged_ridge.h"
#include "tools/samba-align/network_baseline.h"
#include "tools/samba-align/report.h"
#include "tools/samba-align/report_metric.h"
#include "tools/samba-align/ridge_baseline.h"

namespace tenfold::samba_align {
namespace {

const std::vector<std::string> kKinds = {"canonical-ridge", "lagged-ridge", "cca", "mlp", "lstm",
                                         "persistence",     "mean"};

Matrix matrix_of(const at::Tensor& series) {
  using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return Eigen::Map<const Floats>(series.data_ptr<float>(), series.size(0), series.size(1))
      .cast<double>();
}

// Truth and translation on the scale of windows that are normalised one by one.
void normalise_windows(Translation& t) {
  const int64_t size = t.targets * t.frames;
  for (std::vector<float>* values : {&t.truth, &t.translated}) {
    for (int64_t w = 0; w < t.windows; ++w) {
      const at::Tensor window = at::from_blob(values->data() + w * size, {size}, at::kFloat);
      window.copy_(Moments(window, fmt::format("window {}", w)).normalised(window));
    }
  }
}

bool has_seeds(const std::string& kind) { return kind == "mlp" || kind == "lstm"; }

// Predicts with one kind after the other.
class Predictors {
 public:
  Predictors(const BaselineConfig& config, const RecordingSet& recordings, const Dataset& dataset)
      : config_(config), recordings_(recordings), dataset_(dataset) {
    for (size_t s = 0; s < recordings.subjects.size(); ++s)
      targets_.push_back(matrix_of(dataset.hemo(s)).transpose());
  }

  std::vector<SeedTranslation> translations(const std::string& kind,
                                            const std::vector<int64_t>& seeds) {
    log::info(fmt::format("baseline: {}", kind));
    std::vector<SeedTranslation> all;
    if (!has_seeds(kind)) {
      all.push_back({seeds[0], by_frames(kind)});
    } else {
      for (const int64_t seed : seeds) all.push_back({seed, by_network(kind, uint64_t(seed))});
    }
    for (SeedTranslation& t : all)
      if (config_.normalise == "window") normalise_windows(t.translation);
    return all;
  }

  // What was chosen by validation.
  const log::Table& chosen() const { return chosen_; }

 private:
  const Part& part() const { return dataset_.parts().named(config_.part); }

  // The subjects of the part that is translated.
  const std::vector<size_t>& asked() const {
    return config_.part == "test" ? dataset_.tested() : dataset_.trained();
  }

  Matrix canonical(size_t s) const {
    return canonical_features(matrix_of(dataset_.ele(s)), recordings_.rate, recordings_.block);
  }
  Matrix powers(size_t s) const {
    return block_features(matrix_of(dataset_.ele(s)), recordings_.rate, recordings_.block);
  }

  void note(const std::string& kind, const std::string& subject, const std::string& what,
            const log::Value& parcel, double value) {
    chosen_.rows.push_back({kind, subject, parcel, what, value});
  }

  // [frames, features]; none for kinds that need none.
  Matrix features(const std::string& kind, size_t s) const {
    if (kind == "lagged-ridge") return with_lags(powers(s), kRidgeLags);
    return kind == "canonical-ridge" || kind == "cca" ? canonical(s) : Matrix();
  }

  // What one subject is translated by: its own training part, or that of all who are trained where
  // others are tested, one behind the other.
  struct Lesson {
    std::string of;
    Matrix x, y;
    Part train, valid;
  };
  Lesson lesson(const std::string& kind, size_t s) const {
    const Parts& parts = dataset_.parts();
    if (config_.test_subjects.empty()) {
      return {recordings_.subjects[s].subject, features(kind, s), targets_[s], parts.train,
              parts.valid};
    }
    Lesson all{"all that are trained", {}, {}, {}, {}};
    const auto append = [](Matrix& to, const Matrix& more) {
      const int64_t before = to.rows();
      to.conservativeResize(before + more.rows(), more.cols());
      to.bottomRows(more.rows()) = more;
    };
    for (const size_t t : dataset_.trained()) {
      const int64_t before = all.y.rows();
      for (const auto& [from, to] :
           {std::pair(&parts.train, &all.train), {&parts.valid, &all.valid}})
        for (const Frames& f : *from) to->push_back({f.first + before, f.end + before, f.stride});
      append(all.x, features(kind, t));
      append(all.y, targets_[t]);
    }
    return all;
  }

  // [frames, targets] of one subject.
  Matrix found(const std::string& kind, size_t s) {
    const Matrix& y = targets_[s];
    Matrix out(y.rows(), y.cols());
    if (kind == "persistence") {
      out.row(0) = y.row(0);
      out.bottomRows(y.rows() - 1) = y.topRows(y.rows() - 1);
      return out;
    }
    const Lesson l = lesson(kind, s);
    if (kind == "mean") {
      out.rowwise() = rows_of(l.y, l.train).colwise().mean();
      return out;
    }
    if (kind == "cca") {
      const CcaFit fit = fit_cca(l.x, l.y, l.train, l.valid);
      note(kind, l.of, "pairs", nullptr, double(fit.pairs));
      return fit.predict(features(kind, s));
    }
    const RidgeFit fit = fit_ridge(l.x, l.y, l.train, l.valid);
    for (size_t q = 0; q < fit.lambda.size(); ++q)
      note(kind, l.of, "lambda", int64_t(q), fit.lambda[q]);
    return fit.predict(features(kind, s));
  }

  Translation by_frames(const std::string& kind) {
    Translation t;
    t.targets = targets_[0].cols();
    t.frames = config_.frames;
    const std::vector<WindowPlace> places = dataset_.windows(config_.part);
    for (const size_t s : asked()) {
      const Matrix predicted = found(kind, s);
      for (const WindowPlace& p : places) {
        if (p.ele != s) continue;
        ++t.windows;
        for (int64_t q = 0; q < t.targets; ++q) {
          for (int64_t k = 0; k < t.frames; ++k) {
            const int64_t f = p.start + k * p.stride;
            t.truth.push_back(float(targets_[s](f, q)));
            t.translated.push_back(float(predicted(f, q)));
          }
        }
      }
    }
    return t;
  }

  Translation by_network(const std::string& kind, uint64_t seed) {
    NetworkBaselineOptions options;
    options.kind = kind;
    options.frames = config_.frames;
    options.iterations = config_.iterations;
    options.trained = dataset_.trained();
    options.asked = asked();
    std::vector<FramePair> subjects;
    for (size_t s = 0; s < targets_.size(); ++s)
      subjects.push_back({kind == "lstm" ? powers(s) : canonical(s), targets_[s]});
    const NetworkBaseline b =
        train_network_baseline(subjects, dataset_.parts(), part(), options, seed);
    note(kind, "all", fmt::format("iterations of seed {}", seed), nullptr,
         double(b.best_iteration));
    return b.translation;
  }

  const BaselineConfig& config_;
  const RecordingSet& recordings_;
  const Dataset& dataset_;
  std::vector<Matrix> targets_;  // [frames, targets], a subject
  log::Table chosen_{{"kind", "subject", "parcel", "what", "value"}, {}};
};

// One row of the table of all kinds, from a result that has that kind alone.
std::vector<log::Value> summary_of(const std::string& kind, const log::Result& result) {
  std::vector<log::Value> row = {kind};
  for (const char* name : {"pearson", "spearman", "within_window_r", "loss"}) {
    const auto at = std::find_if(result.metrics.begin(), result.metrics.end(),
                                 [&](const auto& m) { return m.first == name; });
    row.push_back(value_of(at->second.value));
  }
  row.emplace_back(kind == "persistence");
  return row;
}

}  // namespace

int baseline(const BaselineConfig& config, cli::Run& run) {
  const RecordingSet recordings = read_recordings(config.data, config.subjects);
  DatasetOptions options;
  options.frames = config.frames;
  options.context_frames = 0;
  options.normalise = "recording";
  options.split = config.split;
  options.test_subjects = config.test_subjects;
  options.gap_s = config.gap;
  const Dataset dataset(recordings, options);
  const std::vector<std::string> kinds =
      config.kind == "all" ? kKinds : std::vector<std::string>{config.kind};
  log::Result result;
  result.seeds = run.options().seed;
  if (std::none_of(kinds.begin(), kinds.end(), has_seeds))
    result.seeds.resize(1);  // nothing is drawn
  result.data = data_facts(recordings, dataset);
  result.data.emplace_back("part", config.part);
  // Metrics, parcels and example are of the first kind where all are asked for.
  result.model = {{"kind", kinds[0]}, {"sees_truth", kinds[0] == "persistence"}};
  if (run.options().dry_run) {
    run.emit(result, "baseline/1");
    return 0;
  }
  Predictors predictors(config, recordings, dataset);
  log::Table table{{"kind", "pearson", "spearman", "within_window_r", "loss", "sees_truth"}, {}};
  for (const std::string& kind : kinds) {
    log::Result one;
    add_translation(one, predictors.translations(kind, run.options().seed));
    table.rows.push_back(summary_of(kind, one));
    if (kind != kinds[0]) continue;
    result.metrics = one.metrics;
    result.series = one.series;
    result.tables = one.tables;
  }
  result.tables.emplace_back("kinds", table);
  result.tables.emplace_back("chosen", predictors.chosen());
  run.emit(result, "baseline/1");
  return 0;
}

}  // namespace tenfold::samba_align
