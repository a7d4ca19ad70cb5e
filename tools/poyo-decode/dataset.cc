#include "tools/poyo-decode/dataset.h"

#include <fmt/format.h>

#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/log/logger.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kLeastDeviation = 0.05, kMostDeviation = 20;  // of a normalised target

void warn_of_other_units(const Session& s, double normalize_std) {
  double sum = 0, squares = 0;
  const double n = double(s.target.size());
  for (float v : s.target) {
    sum += v;
    squares += double(v) * v;
  }
  if (n == 0) return;
  const double deviation = std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n)));
  if (deviation >= kLeastDeviation && deviation <= kMostDeviation) return;
  log::warning(fmt::format(
      "{}: {} / {} has a standard deviation of {:.3g}, expected {} to {}; is it in other units?",
      s.recording.session, s.recording.readout, normalize_std, deviation, kLeastDeviation,
      kMostDeviation));
}

Session prepared(Recording recording, const DatasetOptions& options, const Vocabulary& units,
                 const Vocabulary& sessions) {
  Session s;
  s.row = sessions.row(recording.session);
  for (const std::string& id : recording.units) s.unit_rows.push_back(units.row(id));
  for (float v : recording.target) s.target.push_back(float(double(v) / options.normalize_std));
  s.weight.assign(size_t(recording.samples()), 1.0f);
  for (const auto& [name, weight] :
       loss_weights(options.description, options.loss_weights, recording.task)) {
    const auto phase = recording.phases.find(name);
    if (phase == recording.phases.end()) continue;
    for (size_t i = 0; i < s.weight.size(); ++i)
      if (contains(phase->second, recording.sample_times[i])) s.weight[i] *= float(weight);
  }
  bool any_phase = false;
  s.scored.assign(s.weight.size(), false);
  for (const std::string& name : scored_sets(options.description, recording.task)) {
    const auto phase = recording.phases.find(name);
    if (phase == recording.phases.end()) continue;
    any_phase = true;
    for (size_t i = 0; i < s.scored.size(); ++i)
      if (contains(phase->second, recording.sample_times[i])) s.scored[i] = true;
  }
  if (!any_phase) s.scored.assign(s.scored.size(), true);
  s.recording = std::move(recording);
  warn_of_other_units(s, options.normalize_std);
  return s;
}

Vocabulary vocabulary_of_units(const std::vector<Recording>& recordings) {
  std::vector<std::string> ids;
  for (const Recording& r : recordings) ids.insert(ids.end(), r.units.begin(), r.units.end());
  return Vocabulary(ids);
}

Vocabulary vocabulary_of_sessions(const std::vector<Recording>& recordings) {
  std::vector<std::string> ids;
  for (const Recording& r : recordings) ids.push_back(r.session);
  return Vocabulary(ids);
}

}  // namespace

Vocabulary::Vocabulary(std::vector<std::string> ids) : ids_(std::move(ids)) {
  for (size_t i = 0; i < ids_.size(); ++i) {
    if (!rows_.emplace(ids_[i], int64_t(i) + 1).second)
      throw DataError(fmt::format("id '{}' stands twice among the recordings", ids_[i]));
  }
}

int64_t Vocabulary::row(const std::string& id) const {
  const auto found = rows_.find(id);
  if (found == rows_.end()) {
    throw Mismatch(fmt::format(
        "'{}' is not known to the model; `identify` learns new sessions and units", id));
  }
  return found->second;
}

Dataset::Dataset(std::vector<Recording> recordings, const DatasetOptions& options)
    : Dataset(recordings, options, vocabulary_of_units(recordings),
              vocabulary_of_sessions(recordings)) {}

Dataset::Dataset(std::vector<Recording> recordings, const DatasetOptions& options,
                 Vocabulary known_units, Vocabulary known_sessions)
    : units(std::move(known_units)), sessions(std::move(known_sessions)) {
  for (Recording& r : recordings) parts.push_back(prepared(std::move(r), options, units, sessions));
}

Intervals training_trials(const Recording& recording) {
  Intervals trials;
  for (const Interval& trial : recording.trials.intervals) {
    if (intersection({trial}, recording.valid_domain).empty() &&
        intersection({trial}, recording.test_domain).empty())
      trials.push_back(trial);
  }
  return trials;
}

void warn_of_missing_trials(const Dataset& dataset, const std::vector<int64_t>& asked) {
  for (const Session& s : dataset.parts) {
    const auto have = int64_t(training_trials(s.recording).size());
    for (int64_t count : asked) {
      if (count == kAllTrials || count <= have) continue;
      log::warning(fmt::format("--n-trials {}: {} has {} training trials, all of which are used",
                               count, s.recording.session, have));
    }
  }
}

Intervals labelled_trials(const Recording& recording, int64_t count, TrialOrder order,
                          uint64_t seed) {
  const Intervals trials = training_trials(recording);
  const int64_t n = int64_t(trials.size());
  if (count == kAllTrials || count >= n) return trials;
  if (order == TrialOrder::kTime) return Intervals(trials.begin(), trials.begin() + count);
  Intervals drawn;
  const Stream stream(seed, "labelled-trials/" + recording.session);
  for (int64_t i : stream.sample_sorted(n, count)) drawn.push_back(trials[size_t(i)]);
  return drawn;
}

}  // namespace tenfold::poyo_decode
