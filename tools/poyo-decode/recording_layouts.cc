#include "tools/poyo-decode/recording_layouts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

void append_pair(const std::vector<double>& from, size_t row, std::vector<float>& to) {
  if (from.empty()) return;
  to.push_back(static_cast<float>(from[2 * row]));
  to.push_back(static_cast<float>(from[2 * row + 1]));
}

}  // namespace

void refuse(const io::Hdf5File& file, const std::string& group, const std::string& what) {
  throw DataError(fmt::format("{}: {}: {}", file.name(), group, what));
}

void keep_samples(const Samples& samples, const std::vector<char>& kept, Recording& recording) {
  for (size_t i = 0; i < samples.times.size(); ++i) {
    const bool there = std::isfinite(samples.times[i]) && std::isfinite(samples.target[2 * i]) &&
                       std::isfinite(samples.target[2 * i + 1]);
    if (!there || (!kept.empty() && !kept[i])) continue;
    recording.sample_times.push_back(samples.times[i]);
    append_pair(samples.target, i, recording.target);
    append_pair(samples.position, i, recording.position);
    append_pair(samples.acceleration, i, recording.acceleration);
  }
}

std::vector<double> read_pairs(const io::Hdf5File& file, const std::string& dataset, int64_t rows) {
  io::Hdf5Array<double> found = file.doubles(dataset);
  if (found.shape != std::vector<int64_t>{rows, 2}) {
    refuse(file, dataset,
           fmt::format("found shape [{}], expected [{}, 2]", fmt::join(found.shape, ", "), rows));
  }
  return std::move(found.values);
}

std::string unit_id(const std::string& session, const std::string& id) {
  return id.compare(0, session.size(), session) == 0 ? id : session + "/" + id;
}

std::pair<std::string, std::string> split_readout(const std::string& readout) {
  const size_t dot = readout.find('.');
  if (dot == 0 || dot == std::string::npos || dot + 1 == readout.size()) {
    throw UsageError(
        fmt::format("--readout: found '{}', expected GROUP.SERIES such as cursor.vel", readout));
  }
  return {readout.substr(0, dot), readout.substr(dot + 1)};
}

Recording read_recording(const std::string& path, const ReadOptions& options) {
  split_readout(options.readout);
  const io::Hdf5File file = io::Hdf5File::open(path);
  const bool nwb = file.has_attribute("/", "nwb_version");
  const bool matlab = file.has_dataset("chan_names") && file.has_dataset("spikes");
  if (!nwb && !matlab && !file.has_attribute("/", "object")) {
    throw DataError(path +
                    ": is neither a temporaldata file (no attribute object) nor NWB (no "
                    "attribute nwb_version) nor O'Doherty's (no chan_names and spikes)");
  }
  Recording recording = nwb      ? read_nwb(file, options)
                        : matlab ? read_matlab(file, options)
                                 : read_temporaldata(file, options);
  recording.path = path;
  recording.layout = nwb ? "nwb" : (matlab ? "matlab" : "temporaldata");
  recording.readout = options.readout;
  check(recording);
  return recording;
}

}  // namespace tenfold::poyo_decode
