#include "common/io/brainvision.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "common/core/error.h"
#include "common/io/brainvision_header.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

uint64_t sample_bytes(BrainVisionFormat format) {
  return format == BrainVisionFormat::kInt16 ? 2 : 4;
}

// Little endian.
double stored(const uint8_t* at, BrainVisionFormat format) {
  if (format == BrainVisionFormat::kInt16) return int16_t(uint16_t(at[0] | at[1] << 8));
  const uint32_t word =
      at[0] | uint32_t{at[1]} << 8 | uint32_t{at[2]} << 16 | uint32_t{at[3]} << 24;
  if (format == BrainVisionFormat::kInt32) return int32_t(word);
  float value;
  std::memcpy(&value, &word, sizeof value);
  return value;
}

int64_t samples_in(const BrainVisionHeader& header, const Bytes& data, const std::string& name) {
  const uint64_t frame = header.channels.size() * sample_bytes(header.format);
  const std::string file = fmt::format("{}: '{}'", name, shown(header.data_file));
  if (data.size() % frame != 0 || data.empty()) {
    throw DataError(fmt::format("{}: found {} bytes, expected a multiple of {} ({} channels of {})",
                                file, grouped(data.size()), frame, header.channels.size(),
                                sample_bytes(header.format)));
  }
  const int64_t samples = int64_t(data.size() / frame);
  if (header.samples >= 0 && header.samples != samples) {
    throw DataError(fmt::format("{}: found {} samples, expected {} (DataPoints)", file,
                                grouped(uint64_t(samples)), grouped(uint64_t(header.samples))));
  }
  return samples;
}

Signals with_header(const BrainVisionHeader& header, const BrainVisionFiles& files,
                    const std::string& name) {
  Signals out;
  out.format = "BrainVision";
  out.rate_hz = header.rate_hz;
  out.samples = samples_in(header, files.data, name);
  const size_t channels = header.channels.size(), samples = size_t(out.samples);
  const uint64_t bytes = sample_bytes(header.format);
  out.values.resize(channels * samples);
  std::vector<std::string> units;
  for (size_t c = 0; c < channels; ++c) {
    const BrainVisionChannel& channel = header.channels[c];
    out.names.push_back(channel.name);
    units.push_back(channel.unit);
    const uint8_t* at = files.data.data() + (header.vectorized ? c * samples : c) * bytes;
    const uint64_t step = header.vectorized ? bytes : channels * bytes;
    double* to = out.values.data() + c * samples;
    for (size_t t = 0; t < samples; ++t, at += step)
      to[t] = stored(at, header.format) * channel.scale;
  }
  out.unit = joined(distinct(units), ", ");
  out.facts = {{"units", tally(units)}};
  if (files.markers != nullptr) {
    const std::string where = fmt::format("{}: '{}'", name, shown(header.marker_file));
    out.events = parse_brainvision_markers(*files.markers, header.rate_hz, where);
  }
  for (const SignalEvent& event : out.events) {
    if (event.label.rfind("New Segment/", 0) != 0) continue;
    out.notes.push_back(
        fmt::format("a new segment begins at {} s: time is missing before it", event.onset_s));
  }
  return out;
}

// The path of a file that the header names.
std::string beside(const std::string& path, const char* key, const std::string& name) {
  const std::string file = (std::filesystem::path(path).parent_path() / name).string();
  if (!exists(file)) {
    throw MissingInput(
        fmt::format("{}: {} names '{}', which is not there", path, key, shown(name)));
  }
  return file;
}

}  // namespace

Signals parse_brainvision(const BrainVisionFiles& files, const std::string& name) {
  return with_header(parse_brainvision_header(files.header, name), files, name);
}

Signals read_brainvision(const std::string& path) {
  const std::string text = read_text(path);
  const BrainVisionHeader header = parse_brainvision_header(text, path);
  const Bytes data = read_file(beside(path, "DataFile", header.data_file));
  std::string markers;
  if (!header.marker_file.empty())
    markers = read_text(beside(path, "MarkerFile", header.marker_file));
  return with_header(header, {text, header.marker_file.empty() ? nullptr : &markers, data}, path);
}

}  // namespace tenfold::io
