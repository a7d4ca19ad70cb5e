// Movement in an NWB file (specification, section 2.2 (b)).
#include <fmt/format.h>

#include <cctype>
#include <cmath>

#include "tools/poyo-decode/movement.h"
#include "tools/poyo-decode/recording_nwb.h"

namespace tenfold::poyo_decode {
namespace {

using io::Hdf5File;

constexpr const char* kBehaviour = "processing/behavior";

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

// The position of `group`: cursor_pos, or Position/Cursor.
std::string find_position(const Hdf5File& file, const std::string& group) {
  const std::string found = find_series(file, group + "_pos");
  if (!found.empty()) return found;
  std::string name = group;
  name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  const std::string path = std::string(kBehaviour) + "/Position/" + name;
  return file.has_dataset(path + "/data") ? path : "";
}

int64_t rows_of(const Hdf5File& file, const std::string& series) {
  const std::vector<int64_t> shape = file.shape(series + "/data");
  return shape.empty() ? 0 : shape[0];
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

// As stored, or in the unit that `conversion` (and `offset`) leads to.
std::vector<double> series_values(const Hdf5File& file, const std::string& series, int64_t rows,
                                  bool convert) {
  const std::string path = series + "/data";
  std::vector<double> values = read_pairs(file, path, rows);
  if (!convert) return values;
  const auto attribute = [&](const char* name, double otherwise) {
    return file.has_attribute(path, name) ? file.number_attribute(path, name) : otherwise;
  };
  const double factor = attribute("conversion", 1), offset = attribute("offset", 0);
  if (!std::isfinite(factor) || factor == 0 || !std::isfinite(offset)) {
    refuse(file, path, fmt::format("found conversion {} and offset {}", factor, offset));
  }
  for (double& v : values) v = v * factor + offset;
  return values;
}

}  // namespace

bool read_nwb_behaviour(const Hdf5File& file, const ReadOptions& options, Recording& recording) {
  const auto [group, name] = split_readout(options.readout);
  const bool convert = options.dataset.convert;
  const std::string stored = find_series(file, group + "_" + name);
  const std::string position = find_position(file, group);
  const bool derived = stored.empty() && name == "vel";
  const std::string series = derived ? position : stored;
  if (series.empty()) return false;
  const int64_t rows = rows_of(file, series);
  Samples samples;
  samples.times = series_times(file, series, rows);
  if (!position.empty()) samples.position = series_values(file, position, rows, convert);
  samples.target = derived ? velocity_of(samples.times, samples.position)
                           : series_values(file, series, rows, convert);
  const std::string acceleration = find_series(file, group + "_acc");
  if (!acceleration.empty()) {
    samples.acceleration = series_values(file, acceleration, rows, convert);
  }
  keep_samples(samples, {}, recording);
  return true;
}

}  // namespace tenfold::poyo_decode
