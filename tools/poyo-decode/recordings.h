// From the options of a command line to recordings: files, folders, or generated sessions.
#pragma once

#include <vector>

#include "tools/poyo-decode/config.h"
#include "tools/poyo-decode/dataset.h"
#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {

// In the order of --data (files of a folder by name) or of the specification of --synthetic; only
// --sessions where given. Throws UsageError for a session that is not among them, MissingInput,
// DataError; without `need_behaviour` a file may lack the readout.
std::vector<Recording> load_recordings(const DataConfig& config, bool need_behaviour = true);

// How the recordings of `config` become targets and weights. Throws as describe() does.
DatasetOptions dataset_options(const DataConfig& config, const std::string& loss_weights);

}  // namespace tenfold::poyo_decode
