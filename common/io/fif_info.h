// Internal to common/io: the measurement info of a FIF file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/fif.h"
#include "common/io/fif_tags.h"

namespace tenfold::io {

struct FifChannel {
  std::string name, record_name;  // the record cuts long names; bad channels may be named so
  std::string kind;               // "magnetometer", "EEG", ...
  std::string unit;
  double scale = 0;  // value = stored * scale
  bool bad = false;
};

struct FifInfo {
  double rate_hz = 0;
  std::vector<FifChannel> channels;
  std::vector<std::string> projectors;  // their names
  int64_t compensations = 0;
};

FifInfo read_fif_info(const FifTree& tree);

// Numbers of the channels to read, in their order. Throws DataError where none is left.
std::vector<size_t> pick_fif_channels(const FifInfo& info, const FifOptions& options,
                                      const std::string& name);

// Names, unit, facts and notes about the channels and what is not applied.
void describe_fif(const FifInfo& info, const std::vector<size_t>& picks, Signals& out);

}  // namespace tenfold::io
