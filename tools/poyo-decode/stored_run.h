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
  std::string options_json;  // all options as the manifest has them
  std::vector<int64_t> seeds;
  Vocabulary units, sessions;
  std::string checkpoint;  // its folder
};

// What a checkpoint's manifest says of a run: its options and both vocabularies.
std::string stored_arch(const std::string& config_json, const Dataset& dataset);
// The same of a run whose model comes from another: its options, where it has them, go before
// those of `origin`.
std::string stored_arch(const StoredRun& origin, const std::string& config_json,
                        const Dataset& dataset);

// `path` is a run's folder (its newest checkpoint) or a checkpoint. Throws MissingInput, DataError.
StoredRun open_stored_run(const std::string& path);

// The model of the member `seed` with its weights. Throws Mismatch where they do not fit.
Model load_model(const StoredRun& run, int64_t seed, at::Device device = at::kCPU);

// That model for other units and sessions: ids that it knows keep their rows, the others get new
// ones, N(0, 0.02^2) of `new_rows_seed` (section 4).
Model adapted_model(const StoredRun& run, int64_t seed, const Vocabulary& units,
                    const Vocabulary& sessions, uint64_t new_rows_seed,
                    at::Device device = at::kCPU);

}  // namespace tenfold::poyo_decode
