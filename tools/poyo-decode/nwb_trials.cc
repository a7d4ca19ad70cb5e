// The table of trials in an NWB file, made into phases and a split (specification, section 2.1).
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "common/core/error.h"
#include "tools/poyo-decode/movement.h"
#include "tools/poyo-decode/perich_preparation.h"
#include "tools/poyo-decode/recording_nwb.h"
#include "tools/poyo-decode/trial_preparation.h"

namespace tenfold::poyo_decode {
namespace {

using io::Hdf5File;

std::string column_path(const std::string& name) { return "intervals/trials/" + name; }

// A column of the trials: the first value of each row where there are several, NaN where none;
// empty where the file has no such column.
std::vector<double> numbers(const Hdf5File& file, const std::string& name) {
  const std::string path = column_path(name);
  if (!file.has_dataset(path)) return {};
  const io::Hdf5Array<double> found = file.doubles(path);
  std::vector<double> out;
  if (file.has_dataset(path + "_index")) {
    for (const auto& [first, last] : ragged_rows(file, path, int64_t(found.values.size()))) {
      out.push_back(first < last ? found.values[first] : std::numeric_limits<double>::quiet_NaN());
    }
    return out;
  }
  if (found.shape.size() < 2) return found.values;
  if (found.shape.size() > 2 || found.shape[1] < 1) {
    refuse(file, path, "found another shape than [trials] or [trials, values]");
  }
  for (int64_t row = 0; row < found.shape[0]; ++row) {
    out.push_back(found.values[row * found.shape[1]]);
  }
  return out;
}

void require(const Hdf5File& file, const std::string& name) {
  if (!file.has_dataset(column_path(name)))
    refuse(file, column_path(name), "the column is missing");
}

std::vector<double> required(const Hdf5File& file, const std::string& name) {
  require(file, name);
  return numbers(file, name);
}

std::vector<std::string> texts(const Hdf5File& file, const std::string& name) {
  const std::string path = column_path(name);
  return file.has_dataset(path) ? file.strings(path).values : std::vector<std::string>();
}

PreparedTrials perich(const Hdf5File& file, const Recording& r) {
  PerichTrials t;
  t.start = numbers(file, "start_time");
  t.stop = numbers(file, "stop_time");
  t.result = texts(file, "result");
  t.target_on = numbers(file, "target_on_time");
  t.go_cue = numbers(file, "go_cue_time");
  t.target_id = numbers(file, "target_id");
  t.first_go_cue = numbers(file, "go_cue_time_array");
  t.num_attempted = numbers(file, "num_attempted");
  const Intervals outliers = cursor_outliers(r.sample_times, r.position, r.acceleration);
  if (!t.target_on.empty()) return prepare_centre_out(t, r.domain[0], outliers);
  if (!t.first_go_cue.empty()) return prepare_random_target(t, r.domain[0], outliers);
  return prepare_plain(t.start, t.stop);
}

PreparedTrials churchland(const Hdf5File& file) {
  ChurchlandTrials t;
  t.start = required(file, "start_time");
  t.stop = required(file, "stop_time");
  t.target_on = required(file, "target_presentation_time");
  t.go_cue = required(file, "go_cue_time");
  t.move_begins = required(file, "move_begins_time");
  t.move_ends = required(file, "move_ends_time");
  t.discard = required(file, "discard_trial");
  t.success = required(file, "task_success");
  return prepare_churchland(t);
}

PreparedTrials nlb(const Hdf5File& file, const DatasetDescription& dataset, const Recording& r) {
  // What is to be scored must be there, unless there is nothing to score.
  const std::vector<std::string>& scored = dataset.scored;
  const bool needed = std::count(scored.begin(), scored.end(), kNlbIntervals) > 0;
  if (needed && r.samples() > 0) require(file, "move_onset_time");
  return prepare_nlb(required(file, "start_time"), required(file, "stop_time"),
                     numbers(file, "move_onset_time"));
}

PreparedTrials prepared_trials(const Hdf5File& file, const DatasetDescription& dataset,
                               const Recording& r) {
  if (dataset.intervals == "perich") return perich(file, r);
  if (dataset.intervals == "churchland") return churchland(file);
  if (dataset.intervals == "nlb") return nlb(file, dataset, r);
  return prepare_plain(numbers(file, "start_time"), numbers(file, "stop_time"));
}

void split(const Hdf5File& file, const DatasetDescription& dataset, const PreparedTrials& prepared,
           Recording& r) {
  if (dataset.split == "perich") return split_perich(prepared, dataset.dilation, r);
  if (dataset.split == "blocks") {
    const auto still = r.phases.find(kStillSegments);
    return split_blocks(still == r.phases.end() ? Intervals() : still->second, r);
  }
  if (dataset.split == "trials") {
    if (prepared.trials.size() == 0) refuse(file, "intervals/trials", "found no trial to split");
    return split_trials(prepared, r);
  }
  if (r.samples() == 0) return;  // the benchmark's test file: nothing to train or score on
  require(file, "split");
  split_nlb(required(file, "start_time"), required(file, "stop_time"), texts(file, "split"), r);
}

}  // namespace

void prepare_nwb_trials(const Hdf5File& file, const DatasetDescription& dataset, Recording& r) {
  try {
    const PreparedTrials prepared = prepared_trials(file, dataset, r);
    r.trials = prepared.trials;
    r.phases = prepared.phases;
    if (dataset.still_speed > 0) {
      r.phases[kStillSegments] =
          still_segments(r.sample_times, r.target, dataset.still_speed, dataset.still_seconds);
    }
    split(file, dataset, prepared, r);
  } catch (const DataError& error) {
    const std::string message = error.what();
    if (message.rfind(file.name(), 0) == 0) throw;
    refuse(file, "intervals", message);
  }
}

}  // namespace tenfold::poyo_decode
