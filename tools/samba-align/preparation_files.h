// A prepared folder: sub-XX/{ele,hemo}.npy float32, labels.npy, events.tsv, and manifest.json with
// sources, digests and what was done. read_recordings() reads it as it reads a simulation.
#pragma once

#include <string>
#include <vector>

#include "tools/samba-align/preparation.h"
#include "tools/samba-align/simulation_files.h"

namespace tenfold::samba_align {

// The folder appears at once, with all its files, and replaces an older prepared one. `config` is
// text of a JSON object, stored as it is. Throws CannotCreate where `folder` holds something else,
// IoError.
std::vector<WrittenFile> write_preparation(const Preparation& preparation,
                                           const std::string& folder, const std::string& config);

}  // namespace tenfold::samba_align
