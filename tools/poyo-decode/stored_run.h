// A trained run on disk, as other subcommands read it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/poyo-decode/config.h"
#include "tools/poyo-decode/dataset.h"
#include "tools/poyo-decode/model.h"

namespace tenfold::poyo_decode {

struct StoredRun {
  TrainConfig config;
  std::vector<int64_t> seeds;
  Vocabulary units, sessions;
  std::string checkpoint;  // its folder
};

// What a checkpoint's manifest says of a run: its options and both vocabularies.
std::string stored_arch(const std::string& config_json, const Dataset& dataset);

// `path` is a run's folder (its newest checkpoint) or a checkpoint. Throws MissingInput, DataError.
StoredRun open_stored_run(const std::string& path);

// The model of the member `seed` with its weights. Throws Mismatch where they do not fit.
Model load_model(const StoredRun& run, int64_t seed);

}  // namespace tenfold::poyo_decode
