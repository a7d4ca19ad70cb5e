// Checkpoints on disk: FOLDER/checkpoints/step-000000500/{manifest.json, model.safetensors,
// state.safetensors}, and FOLDER/checkpoints/latest, which names the newest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/train/archive.h"

namespace tenfold::train {

// What must be the same when a run goes on, and what a reader of the folder wants to know.
struct CheckpointContext {
  std::string config_digest;
  std::vector<std::pair<std::string, std::string>> fields;  // options that must match
  int64_t threads = 1, world_size = 1;  // world_size: processes that train together
  std::string gemm;
  std::string arch_json;  // "" or the manifest's `arch` entry
};

class CheckpointStore {
 public:
  // `folder` is a run's --out. `keep`: how many of the newest stay (0: all).
  CheckpointStore(std::string folder, CheckpointContext context, int64_t keep);

  // Written under a temporary name, files first, manifest last, then renamed, then `latest`. Older
  // ones go, `best` stays (-1: none).
  void save(int64_t step, const Archive& archive, int64_t best);

  // The newest complete checkpoint, or nothing. `before`: only steps below it.
  std::optional<int64_t> newest(std::optional<int64_t> before = std::nullopt) const;

  // Verifies sizes, digests, configuration, threads and GEMM backend. Throws Mismatch naming the
  // first option that differs, DataError for a damaged file.
  Archive load(int64_t step) const;

  // Loads the checkpoint folder `path` (for --resume PATH).
  Archive load_path(const std::string& path) const;

  std::string path(int64_t step) const;

 private:
  void prune(int64_t newest_step, int64_t best) const;

  std::string folder_;
  CheckpointContext context_;
  int64_t keep_;
};

// "step-000000500"
std::string step_name(int64_t step);

// The weights of a checkpoint, of whatever configuration, verified against the manifest. Throws
// MissingInput, DataError for a damaged file.
io::SafeTensors read_weights(const std::string& checkpoint_folder);

// The `arch` entry of a manifest as JSON text. Throws MissingInput, DataError.
std::string manifest_arch(const std::string& checkpoint_folder);

}  // namespace tenfold::train
