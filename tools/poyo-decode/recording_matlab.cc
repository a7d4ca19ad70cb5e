// The MATLAB 7.3 files of O'Doherty and others (Zenodo 583331). HDF5 holds MATLAB's arrays with
// their dimensions in reverse:
//   t [1, k] seconds, cursor_pos [2, k]; chan_names [1, n] references to characters;
//   spikes [u, n] references to times [1, count]: row 0 unsorted crossings, then the sorted units.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "tools/poyo-decode/movement.h"
#include "tools/poyo-decode/recording_layouts.h"
#include "tools/poyo-decode/trial_preparation.h"

namespace tenfold::poyo_decode {
namespace {

using io::Hdf5File;

void require_shape(const Hdf5File& file, const std::string& path,
                   const std::vector<int64_t>& expected) {
  const std::vector<int64_t> found = file.shape(path);
  if (found == expected) return;
  refuse(file, path,
         fmt::format("found shape [{}], expected [{}]", fmt::join(found, ", "),
                     fmt::join(expected, ", ")));
}

std::vector<std::string> channel_names(const Hdf5File& file) {
  std::vector<std::string> names;
  for (const std::vector<double>& characters : file.referenced("chan_names").values) {
    std::string& name = names.emplace_back();
    for (const double c : characters) {
      if (!(c >= 32 && c < 127)) refuse(file, "chan_names", "found what is no ASCII character");
      name += static_cast<char>(c);
    }
  }
  return names;
}

void read_units(const Hdf5File& file, Recording& recording) {
  const std::vector<std::string> channels = channel_names(file);
  const io::Hdf5Array<std::vector<double>> trains = file.referenced("spikes");
  const auto n = static_cast<int64_t>(channels.size());
  if (trains.shape.size() != 2 || trains.shape[1] != n) {
    refuse(file, "spikes",
           fmt::format("found shape [{}], expected [units, {}] as there are channels",
                       fmt::join(trains.shape, ", "), n));
  }
  std::vector<std::pair<double, int32_t>> spikes;
  for (size_t i = 0; i < trains.values.size(); ++i) {
    if (trains.values[i].empty()) continue;
    const auto sorted = static_cast<int64_t>(i) / n;
    const std::string kind = sorted == 0 ? "unsorted" : fmt::format("sorted_{:02d}", sorted);
    const auto unit = static_cast<int32_t>(recording.units.size());
    recording.units.push_back(
        unit_id(recording.session, channels[static_cast<int64_t>(i) % n] + "/" + kind));
    for (const double time : trains.values[i]) {
      if (!std::isfinite(time)) refuse(file, "spikes", "found NaN or inf, expected times");
      spikes.emplace_back(time, unit);
    }
  }
  std::sort(spikes.begin(), spikes.end());
  for (const auto& [time, unit] : spikes) {
    recording.spike_times.push_back(time);
    recording.spike_units.push_back(unit);
  }
}

void read_cursor(const Hdf5File& file, Recording& recording) {
  Samples samples;
  samples.times = file.doubles("t").values;
  const size_t k = samples.times.size();
  require_shape(file, "cursor_pos", {2, static_cast<int64_t>(k)});
  const std::vector<double> rows = file.doubles("cursor_pos").values;
  for (size_t i = 0; i < k; ++i) {
    samples.position.push_back(rows[i]);
    samples.position.push_back(rows[k + i]);
  }
  samples.target = velocity_of(samples.times, samples.position);
  keep_samples(samples, {}, recording);
}

}  // namespace

Recording read_matlab(const Hdf5File& file, const ReadOptions& options) {
  if (options.dataset.split != "blocks") {
    refuse(file, "/", "is a file of O'Doherty's, expected --dataset odoherty");
  }
  if (options.readout != "cursor.vel") {
    refuse(file, "/", "holds no " + options.readout + ", expected --readout cursor.vel");
  }
  Recording recording;
  recording.session = std::filesystem::path(file.name()).stem().string();
  recording.subject = recording.session.substr(0, recording.session.find('_'));
  recording.task = options.dataset.task;
  read_units(file, recording);
  read_cursor(file, recording);
  if (recording.samples() < 2) refuse(file, "cursor_pos", "found fewer than two samples");
  recording.domain = {{recording.sample_times.front(), recording.sample_times.back()}};
  Intervals still;
  if (options.dataset.still_speed > 0) {
    still = still_segments(recording.sample_times, recording.target, options.dataset.still_speed,
                           options.dataset.still_seconds);
    recording.phases[kStillSegments] = still;
  }
  split_blocks(still, recording);
  return recording;
}

}  // namespace tenfold::poyo_decode
