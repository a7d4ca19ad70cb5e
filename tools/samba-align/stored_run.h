// A trained translator on disk.
#pragma once

#include <string>
#include <vector>

#include "tools/samba-align/config.h"
#include "tools/samba-align/model.h"

namespace tenfold::samba_align {

struct StoredRun {
  std::string checkpoint;
  TrainConfig config;
  ModelSpec spec;
  std::vector<int64_t> seeds;
};

// A checkpoint's `arch` entry: the options and what the recordings said.
std::string stored_arch(const std::string& config_json, const ModelSpec& spec);

// `path` is a run's folder or one of its checkpoints. Throws MissingInput, DataError.
StoredRun open_stored_run(const std::string& path);

// Weights `best` or `last`. Throws Mismatch for other sizes.
void load_weights(const StoredRun& run, int64_t seed, const std::string& which, const Model& model);

}  // namespace tenfold::samba_align
