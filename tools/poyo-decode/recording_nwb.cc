// Neurodata Without Borders, as DANDI hands it out (specification, section 2.2 (b)).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/core/error.h"
#include "tools/poyo-decode/perich_preparation.h"
#include "tools/poyo-decode/recording_layouts.h"

namespace tenfold::poyo_decode {
namespace {

using io::Hdf5File;

constexpr const char* kTrials = "intervals/trials";
constexpr const char* kBehaviour = "processing/behavior";
constexpr const char* kElectrodes = "general/extracellular_ephys/electrodes";

std::string single_text(const Hdf5File& file, const std::string& path) {
  const std::vector<std::string> found = file.strings(path).values;
  if (found.size() != 1)
    refuse(file, path, fmt::format("found {} texts, expected one", found.size()));
  return found[0];
}

// Rows of a ragged column: [first, last) of each, from the cumulative ends.
std::vector<std::pair<int64_t, int64_t>> ragged_rows(const Hdf5File& file, const std::string& path,
                                                     int64_t values) {
  const std::vector<int64_t> ends = file.integers(path + "_index").values;
  std::vector<std::pair<int64_t, int64_t>> rows;
  int64_t first = 0;
  for (const int64_t end : ends) {
    if (end < first || end > values) {
      refuse(file, path + "_index",
             fmt::format("found end {} after {}, expected ascending ends up to {}", end, first,
                         values));
    }
    rows.emplace_back(first, end);
    first = end;
  }
  return rows;
}

// A column of the trials: the first value of each row where there are several, NaN where none.
std::vector<double> trial_numbers(const Hdf5File& file, const std::string& name) {
  const std::string path = std::string(kTrials) + "/" + name;
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

PerichTrials read_trial_table(const Hdf5File& file) {
  PerichTrials t;
  t.start = trial_numbers(file, "start_time");
  t.stop = trial_numbers(file, "stop_time");
  if (file.has_dataset(std::string(kTrials) + "/result")) {
    t.result = file.strings(std::string(kTrials) + "/result").values;
  }
  t.target_on = trial_numbers(file, "target_on_time");
  t.go_cue = trial_numbers(file, "go_cue_time");
  t.target_id = trial_numbers(file, "target_id");
  t.first_go_cue = trial_numbers(file, "go_cue_time_array");
  t.num_attempted = trial_numbers(file, "num_attempted");
  return t;
}

// The array of every unit and its electrode: as in group_M1/elec3/unit_7.
std::vector<std::string> read_unit_names(const Hdf5File& file, size_t units) {
  std::vector<std::string> names;
  if (!file.has_dataset("units/electrodes")) {
    for (size_t i = 0; i < units; ++i) names.push_back(fmt::format("unit_{}", i));
    return names;
  }
  const std::vector<int64_t> electrodes = file.integers("units/electrodes").values;
  const std::vector<std::string> groups =
      file.strings(std::string(kElectrodes) + "/group_name").values;
  std::vector<std::pair<int64_t, int64_t>> rows;
  if (file.has_dataset("units/electrodes_index")) {
    rows = ragged_rows(file, "units/electrodes", int64_t(electrodes.size()));
  } else {
    for (size_t i = 0; i < electrodes.size(); ++i) rows.emplace_back(i, i + 1);
  }
  if (rows.size() != units) {
    refuse(file, "units/electrodes",
           fmt::format("found {} units, expected {}", rows.size(), units));
  }
  for (size_t i = 0; i < units; ++i) {
    const int64_t electrode = rows[i].first < rows[i].second ? electrodes[rows[i].first] : -1;
    if (electrode < 0 || electrode >= int64_t(groups.size())) {
      refuse(file, "units/electrodes",
             fmt::format("found electrode {} of unit {}, expected 0 to {}", electrode, i,
                         int64_t(groups.size()) - 1));
    }
    names.push_back(fmt::format("group_{}/elec{}/unit_{}", groups[electrode], electrode, i));
  }
  return names;
}

void read_units(const Hdf5File& file, Recording& recording) {
  const std::vector<double> times = file.doubles("units/spike_times").values;
  const auto rows = ragged_rows(file, "units/spike_times", int64_t(times.size()));
  for (const std::string& name : read_unit_names(file, rows.size())) {
    recording.units.push_back(unit_id(recording.session, name));
  }
  std::vector<std::pair<double, int32_t>> spikes;
  for (size_t unit = 0; unit < rows.size(); ++unit) {
    for (int64_t i = rows[unit].first; i < rows[unit].second; ++i) {
      // NaN would break the order that sorting needs.
      if (!std::isfinite(times[i])) {
        refuse(file, "units/spike_times", fmt::format("found {} of unit {}", times[i], unit));
      }
      spikes.emplace_back(times[i], static_cast<int32_t>(unit));
    }
  }
  std::sort(spikes.begin(), spikes.end());
  for (const auto& [time, unit] : spikes) {
    recording.spike_times.push_back(time);
    recording.spike_units.push_back(unit);
  }
}

// Where the series `name` lies under the behaviour, itself or in a container; "" where nowhere.
std::string find_series(const Hdf5File& file, const std::string& name) {
  if (!file.has_group(kBehaviour)) return "";
  const std::string direct = std::string(kBehaviour) + "/" + name;
  if (file.has_dataset(direct + "/data")) return direct;
  for (const io::Hdf5Child& child : file.children(kBehaviour)) {
    const std::string path = std::string(kBehaviour) + "/" + child.name + "/" + name;
    if (file.has_dataset(path + "/data")) return path;
  }
  return "";
}

std::vector<double> series_times(const Hdf5File& file, const std::string& series, int64_t rows) {
  if (file.has_dataset(series + "/timestamps")) {
    std::vector<double> times = file.doubles(series + "/timestamps").values;
    if (int64_t(times.size()) == rows) return times;
    refuse(file, series, fmt::format("found {} timestamps, expected {}", times.size(), rows));
  }
  const std::string path = series + "/starting_time";
  if (!file.has_dataset(path)) refuse(file, series, "has neither timestamps nor starting_time");
  const std::vector<double> start = file.doubles(path).values;
  const double rate = file.number_attribute(path, "rate");
  if (start.size() != 1 || !(rate > 0)) {
    refuse(file, path, fmt::format("found {} values at rate {}", start.size(), rate));
  }
  std::vector<double> times(rows);
  for (int64_t i = 0; i < rows; ++i) times[i] = start[0] + static_cast<double>(i) / rate;
  return times;
}

// Values are kept as stored: the published normalisation and thresholds are meant for these, not
// for what `conversion` would make of them.
bool read_behaviour(const Hdf5File& file, const std::string& readout, Recording& recording) {
  const auto [group, name] = split_readout(readout);
  const std::string series = find_series(file, group + "_" + name);
  if (series.empty()) return false;
  const std::vector<int64_t> shape = file.shape(series + "/data");
  const int64_t rows = shape.empty() ? 0 : shape[0];
  Samples samples;
  samples.times = series_times(file, series, rows);
  samples.target = read_pairs(file, series + "/data", rows);
  const auto optional = [&, g = group](const char* suffix) {
    const std::string found = find_series(file, g + suffix);
    return found.empty() ? std::vector<double>() : read_pairs(file, found + "/data", rows);
  };
  samples.position = optional("_pos");
  samples.acceleration = optional("_acc");
  keep_samples(samples, {}, recording);
  return true;
}

// From the first to the last sample, or spike where there is no behaviour.
Interval extent(const Hdf5File& file, const Recording& r) {
  const std::vector<double>& times = r.sample_times.empty() ? r.spike_times : r.sample_times;
  if (times.size() < 2 || !(times.front() < times.back())) {
    refuse(file, "/", "found fewer than two times, expected spikes or behaviour");
  }
  return {times.front(), times.back()};
}

PreparedTrials plain_trials(const PerichTrials& table) {
  PreparedTrials out;
  for (size_t i = 0; i < std::min(table.start.size(), table.stop.size()); ++i) {
    if (!(table.start[i] < table.stop[i])) continue;
    out.trials.intervals.push_back({table.start[i], table.stop[i]});
    out.valid.push_back(1);
  }
  return out;
}

PreparedTrials prepare(const Hdf5File& file, const Recording& r) {
  const PerichTrials table = read_trial_table(file);
  const Intervals outliers = cursor_outliers(r.sample_times, r.position, r.acceleration);
  try {
    if (!table.target_on.empty()) return prepare_centre_out(table, r.domain[0], outliers);
    if (!table.first_go_cue.empty()) return prepare_random_target(table, r.domain[0], outliers);
  } catch (const DataError& error) {
    refuse(file, "intervals", error.what());
  }
  return plain_trials(table);
}

}  // namespace

Recording read_nwb(const Hdf5File& file, const ReadOptions& options) {
  Recording recording;
  recording.subject = single_text(file, "general/subject/subject_id");
  recording.session =
      perich_session(recording.subject, single_text(file, "session_start_time"), file.name());
  const std::string random = "random_target_reaching";
  recording.task =
      recording.session.find(random) == std::string::npos ? "center_out_reaching" : random;
  read_units(file, recording);
  if (!read_behaviour(file, options.readout, recording) && options.need_behaviour) {
    const auto [group, series] = split_readout(options.readout);
    refuse(file, kBehaviour, fmt::format("no series {}_{} is there", group, series));
  }
  recording.domain = {extent(file, recording)};
  PreparedTrials prepared = prepare(file, recording);
  split_perich(prepared, recording);
  recording.trials = std::move(prepared.trials);
  recording.phases = std::move(prepared.phases);
  return recording;
}

}  // namespace tenfold::poyo_decode
