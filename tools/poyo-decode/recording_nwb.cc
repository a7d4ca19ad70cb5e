// Neurodata Without Borders, as DANDI hands it out (specification, section 2.2 (b)).
#include "tools/poyo-decode/recording_nwb.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "common/core/error.h"
#include "tools/poyo-decode/perich_preparation.h"

namespace tenfold::poyo_decode {
namespace {

using io::Hdf5File;

constexpr const char* kElectrodes = "general/extracellular_ephys/electrodes";

std::string single_text(const Hdf5File& file, const std::string& path) {
  const std::vector<std::string> found = file.strings(path).values;
  if (found.size() != 1)
    refuse(file, path, fmt::format("found {} texts, expected one", found.size()));
  return found[0];
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

// From the first to the last sample, or spike where there is no behaviour.
Interval extent(const Hdf5File& file, const Recording& r) {
  const std::vector<double>& times = r.sample_times.empty() ? r.spike_times : r.sample_times;
  if (times.size() < 2 || !(times.front() < times.back())) {
    refuse(file, "/", "found fewer than two times, expected spikes or behaviour");
  }
  return {times.front(), times.back()};
}

// A test file of the benchmark is another session than the training file of the same day.
std::string session_of(const Hdf5File& file, const DatasetDescription& dataset,
                       const Recording& recording) {
  const std::string id =
      session_id(recording.subject, single_text(file, "session_start_time"), recording.task);
  const std::string name = std::filesystem::path(file.name()).filename().string();
  return dataset.split == "nlb" && name.find("test") != std::string::npos ? id + "_test" : id;
}

}  // namespace

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

Recording read_nwb(const Hdf5File& file, const ReadOptions& options) {
  const DatasetDescription& dataset = options.dataset;
  Recording recording;
  recording.subject = single_text(file, "general/subject/subject_id");
  recording.task = dataset.task == "from-name" ? perich_task(file.name()) : dataset.task;
  recording.session = session_of(file, dataset, recording);
  read_units(file, recording);
  if (!read_nwb_behaviour(file, options, recording) && options.need_behaviour) {
    const auto [group, series] = split_readout(options.readout);
    refuse(file, "processing/behavior",
           fmt::format("no series {}_{} is there, and no position of {} to derive it from", group,
                       series, group));
  }
  recording.domain = {extent(file, recording)};
  prepare_nwb_trials(file, dataset, recording);
  return recording;
}

}  // namespace tenfold::poyo_decode
