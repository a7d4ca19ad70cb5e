// The three files of a BrainVision recording in one, as its fuzzer takes them.
#pragma once

#include <algorithm>
#include <string>

#include "common/io/brainvision.h"

namespace tenfold::io {

// Header, markers and samples with a zero byte between them.
inline Signals parse_joined_brainvision(const Bytes& file, const std::string& name) {
  const auto header_end = std::find(file.begin(), file.end(), 0);
  const auto markers_begin = header_end == file.end() ? header_end : header_end + 1;
  const auto markers_end = std::find(markers_begin, file.end(), 0);
  const auto data_begin = markers_end == file.end() ? markers_end : markers_end + 1;
  const std::string markers(markers_begin, markers_end);
  return parse_brainvision({std::string(file.begin(), header_end),
                            markers.empty() ? nullptr : &markers, Bytes(data_begin, file.end())},
                           name);
}

}  // namespace tenfold::io
