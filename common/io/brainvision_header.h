// Internal to common/io: the text files of a BrainVision recording.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/signals.h"

namespace tenfold::io {

enum class BrainVisionFormat { kInt16, kInt32, kFloat32 };

struct BrainVisionChannel {
  std::string name, unit;
  double scale = 1;  // value = stored * scale
};

struct BrainVisionHeader {
  std::string data_file, marker_file;  // base names; no marker file: ""
  BrainVisionFormat format = BrainVisionFormat::kInt16;
  bool vectorized = false;  // channel after channel, not sample after sample
  double rate_hz = 0;
  int64_t samples = -1;  // as stated; -1 where it is not
  std::vector<BrainVisionChannel> channels;
};

// Throw DataError with the name, the section and the key.
BrainVisionHeader parse_brainvision_header(const std::string& text, const std::string& name);
std::vector<SignalEvent> parse_brainvision_markers(const std::string& text, double rate_hz,
                                                   const std::string& name);

}  // namespace tenfold::io
