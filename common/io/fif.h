// FIF, the format of MNE and of Neuromag's machines (specification of samba-align, section 2.2.1):
// raw recordings and epochs, .fif and .fif.gz, also split into several files. Values are in SI
// units (V, T, T/m); projectors and compensation in the file are not applied, which `notes` says.
#pragma once

#include <cstdint>
#include <string>

#include "common/io/file.h"
#include "common/io/signals.h"

namespace tenfold::io {

enum class FifPicks { kAuto, kMeg, kMagnetometers, kGradiometers, kEeg, kAll };

struct FifOptions {
  FifPicks picks = FifPicks::kAuto;  // MEG if there is any, else EEG
  bool keep_bads = false;
  bool allow_maxshield = false;        // raw data with active shielding are read, not refused
  bool gaps_zero = false;              // missing data become zeros; otherwise they are refused
  uint64_t limit = uint64_t{1} << 34;  // the most bytes that the values may take in memory
};

// One file; a next part that it names is not looked for, which a note says.
Signals parse_fif(const Bytes& file, const std::string& name, const FifOptions& options = {});

// With all parts of a split recording, which lie in the same folder. Throws MissingInput where a
// part is not there, DataError where the parts do not continue each other.
Signals read_fif(const std::string& path, const FifOptions& options = {});

}  // namespace tenfold::io
