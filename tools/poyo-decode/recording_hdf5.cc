// The layout of temporaldata (specification, section 2.2 (a)).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "tools/poyo-decode/recording_layouts.h"

namespace tenfold::poyo_decode {
namespace {

using io::Hdf5File;

std::string object_of(const Hdf5File& file, const std::string& group) {
  if (!file.has_group(group)) refuse(file, group, "the group is missing");
  return file.text_attribute(group, "object");
}

void require_object(const Hdf5File& file, const std::string& group, const std::string& expected) {
  const std::string found = object_of(file, group);
  if (found == expected) return;
  refuse(file, group, fmt::format("found object '{}', expected '{}'", found, expected));
}

std::string optional_text(const Hdf5File& file, const std::string& group, const std::string& name) {
  if (!file.has_group(group) || !file.has_attribute(group, name)) return "";
  return file.text_attribute(group, name);
}

// The official preparation calls the task of both kinds of session REACHING and names the kind in
// the session's id.
std::string task_of(const std::string& session, const std::string& stored) {
  for (const char* task : {"center_out_reaching", "random_target_reaching"}) {
    if (session.find(task) != std::string::npos) return task;
  }
  return stored;
}

Intervals read_intervals(const Hdf5File& file, const std::string& group) {
  require_object(file, group, "Interval");
  const std::vector<double> start = file.doubles(group + "/start").values;
  const std::vector<double> end = file.doubles(group + "/end").values;
  if (start.size() != end.size()) {
    refuse(file, group, fmt::format("found {} starts and {} ends", start.size(), end.size()));
  }
  Intervals out(start.size());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = {start[i], end[i]};
    if (!(start[i] <= end[i])) {
      refuse(file, group,
             fmt::format("interval {} is {} s to {} s, expected its end after its "
                         "start",
                         i, start[i], end[i]));
    }
  }
  return out;
}

// The parts of a session; one of no length would be a part without meaning.
Intervals read_domain(const Hdf5File& file, const std::string& group) {
  Intervals out = read_intervals(file, group);
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i].length() > 0) continue;
    refuse(file, group, fmt::format("interval {} at {} s has no length", i, out[i].start));
  }
  return out;
}

template <class T>
std::vector<T> select(const std::vector<T>& from, const std::vector<size_t>& rows) {
  std::vector<T> out;
  for (const size_t row : rows) out.push_back(from[row]);
  return out;
}

// In order of their starts; what has no length holds no sample and is left out.
std::vector<size_t> rows_in_order(const Intervals& intervals) {
  std::vector<size_t> rows;
  for (size_t i = 0; i < intervals.size(); ++i) {
    if (intervals[i].length() > 0) rows.push_back(i);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [&](size_t a, size_t b) { return intervals[a].start < intervals[b].start; });
  return rows;
}

Intervals read_phase(const Hdf5File& file, const std::string& group) {
  const Intervals found = read_intervals(file, group);
  return select(found, rows_in_order(found));
}

template <class T>
std::vector<T> column(const Hdf5File& file, const std::string& path, std::vector<T> values,
                      size_t trials, const std::vector<size_t>& rows) {
  if (values.size() == trials) return select(values, rows);
  refuse(file, path, fmt::format("found {} values, expected {}", values.size(), trials));
}

// Whole numbers may be stored as floats; NaN, where there was no target, is -1.
std::vector<int64_t> whole(const std::vector<double>& values) {
  std::vector<int64_t> out;
  for (const double v : values) {
    out.push_back(std::abs(v) < 1e9 ? static_cast<int64_t>(std::lround(v)) : -1);
  }
  return out;
}

Trials read_trials(const Hdf5File& file) {
  Trials trials;
  if (!file.has_group("trials")) return trials;
  const Intervals found = read_intervals(file, "trials");
  const std::vector<size_t> rows = rows_in_order(found);
  trials.intervals = select(found, rows);
  if (file.has_dataset("trials/target_id")) {
    trials.target_id = column(file, "trials/target_id",
                              whole(file.doubles("trials/target_id").values), found.size(), rows);
  }
  if (file.has_dataset("trials/go_cue_time")) {
    trials.go_cue_time = column(file, "trials/go_cue_time",
                                file.doubles("trials/go_cue_time").values, found.size(), rows);
  }
  return trials;
}

std::map<std::string, Intervals> read_phases(const Hdf5File& file) {
  std::map<std::string, Intervals> phases;
  for (const char* name : {"cursor_outlier_segments", "hand_outlier_segments",
                           "no_movement_segments", "nlb_eval_intervals"}) {
    if (file.has_group(name)) phases[name] = read_phase(file, name);
  }
  if (!file.has_group("movement_phases")) return phases;
  for (const io::Hdf5Child& child : file.children("movement_phases")) {
    if (child.kind != io::Hdf5Kind::kGroup || child.name == "domain") continue;
    phases[child.name] = read_phase(file, "movement_phases/" + child.name);
  }
  return phases;
}

void read_units(const Hdf5File& file, Recording& recording) {
  require_object(file, "units", "ArrayDict");
  for (const std::string& id : file.strings("units/id").values) {
    recording.units.push_back(unit_id(recording.session, id));
  }
}

void read_spikes(const Hdf5File& file, Recording& recording) {
  require_object(file, "spikes", "IrregularTimeSeries");
  recording.spike_times = file.doubles("spikes/timestamps").values;
  const auto units = static_cast<int64_t>(recording.units.size());
  for (const int64_t unit : file.integers("spikes/unit_index").values) {
    if (unit < 0 || unit >= units) {
      refuse(file, "spikes/unit_index",
             fmt::format("found unit {}, expected 0 to {}", unit, units - 1));
    }
    recording.spike_units.push_back(static_cast<int32_t>(unit));
  }
}

// Sample i at the first domain's start + i / rate; several domains leave fillers between them.
std::vector<char> regular_times(const Hdf5File& file, const std::string& group, int64_t rows,
                                std::vector<double>& times) {
  const double rate = file.number_attribute(group, "sampling_rate");
  if (!(rate > 0) || !std::isfinite(rate)) {
    refuse(file, group, fmt::format("found sampling_rate {}, expected a rate above 0", rate));
  }
  const Intervals domain = read_intervals(file, group + "/domain");
  if (domain.empty()) refuse(file, group + "/domain", "found no interval, expected one or more");
  for (int64_t i = 0; i < rows; ++i) {
    times.push_back(domain[0].start + static_cast<double>(i) / rate);
  }
  if (domain.size() == 1) return {};
  std::vector<char> kept(rows, 0);
  const auto index = [&](double t) {
    return static_cast<int64_t>(
        std::clamp(std::nearbyint((t - domain[0].start) * rate), 0.0, static_cast<double>(rows)));
  };
  for (const Interval& i : domain) {
    for (int64_t at = index(i.start); at < index(i.end); ++at) kept[at] = 1;
  }
  return kept;
}

// Returns which samples are real; empty for all.
std::vector<char> read_samples(const Hdf5File& file, const std::string& readout, Samples& samples) {
  const auto [group, series] = split_readout(readout);
  const std::string object = object_of(file, group);
  const std::vector<int64_t> shape = file.shape(group + "/" + series);
  const int64_t rows = shape.empty() ? 0 : shape[0];
  samples.target = read_pairs(file, group + "/" + series, rows);
  const auto optional = [&](const char* name) {
    const std::string path = group + "/" + name;
    return file.has_dataset(path) ? read_pairs(file, path, rows) : std::vector<double>();
  };
  samples.position = optional("pos");
  samples.acceleration = optional("acc");
  if (object == "RegularTimeSeries") return regular_times(file, group, rows, samples.times);
  if (object != "IrregularTimeSeries") {
    refuse(file, group,
           fmt::format("found object '{}', expected 'IrregularTimeSeries' or "
                       "'RegularTimeSeries'",
                       object));
  }
  samples.times = file.doubles(group + "/timestamps").values;
  if (static_cast<int64_t>(samples.times.size()) != rows) {
    refuse(file, group,
           fmt::format("found {} timestamps, expected {}", samples.times.size(), rows));
  }
  return {};
}

// Runs of true samples; the last sample of a run is inside, so that the run ends where the next
// sample is or would be.
Intervals runs(const std::vector<int64_t>& mask, const std::vector<double>& times) {
  Intervals out;
  const double step = times.size() > 1 ? times[1] - times[0] : 1;
  for (size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] == 0) continue;
    if (i == 0 || mask[i - 1] == 0) out.push_back({times[i], times[i]});
    out.back().end = times[i] + step;
    if (i + 1 < times.size()) out.back().end = std::min(out.back().end, times[i + 1]);
  }
  return out;
}

// Older files mark the samples of the readout, or the trials, instead of listing domains; what is
// only looked at or decoded needs neither.
Intervals split_of(const Hdf5File& file, const std::string& split, const ReadOptions& options,
                   const Samples& samples) {
  if (file.has_group(split + "_domain")) return read_domain(file, split + "_domain");
  const std::string group = split_readout(options.readout).first;
  const std::string of_samples = group + "/" + split + "_mask";
  const std::string of_trials = "trials/" + split + "_mask";
  if (file.has_dataset(of_samples)) {
    const std::vector<int64_t> mask = file.integers(of_samples).values;
    if (mask.size() == samples.times.size()) return runs(mask, samples.times);
    refuse(file, of_samples,
           fmt::format("found {} values, expected {}", mask.size(), samples.times.size()));
  }
  if (!file.has_dataset(of_trials)) {
    if (!options.need_behaviour) return {};  // nothing is to be trained or scored
    refuse(file, split + "_domain", "the group is missing, and so is every " + split + "_mask");
  }
  const Intervals trials = read_intervals(file, "trials");
  const std::vector<int64_t> mask = file.integers(of_trials).values;
  if (mask.size() != trials.size()) {
    refuse(file, of_trials,
           fmt::format("found {} values, expected {}", mask.size(), trials.size()));
  }
  Intervals out;
  for (size_t i = 0; i < trials.size(); ++i) {
    if (mask[i] != 0) out.push_back(trials[i]);
  }
  return merged(out);
}

}  // namespace

Recording read_temporaldata(const Hdf5File& file, const ReadOptions& options) {
  require_object(file, "/", "Data");
  Recording recording;
  recording.session = optional_text(file, "session", "id");
  if (recording.session.empty()) refuse(file, "session", "has no id");
  recording.subject = optional_text(file, "subject", "id");
  recording.task = task_of(recording.session, optional_text(file, "session", "task"));
  recording.domain = read_domain(file, "domain");
  read_units(file, recording);
  read_spikes(file, recording);
  Samples samples;
  if (options.need_behaviour || file.has_group(split_readout(options.readout).first)) {
    const std::vector<char> kept = read_samples(file, options.readout, samples);
    keep_samples(samples, kept, recording);
  }
  recording.train_domain = split_of(file, "train", options, samples);
  recording.valid_domain = split_of(file, "valid", options, samples);
  recording.test_domain = split_of(file, "test", options, samples);
  recording.trials = read_trials(file);
  recording.phases = read_phases(file);
  return recording;
}

}  // namespace tenfold::poyo_decode
