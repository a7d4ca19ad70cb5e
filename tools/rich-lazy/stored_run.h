// A training on disk.
#pragma once

#include <string>
#include <vector>

#include "tools/rich-lazy/ensemble.h"

namespace tenfold::rich_lazy {

// A checkpoint's `arch` entry: the options and the number of units.
std::string stored_arch(const std::string& config_json, const Setting& setting);

struct StoredRun {
  std::string checkpoint;
  Setting setting;
  std::vector<Model> models;
};

// `path` is a run's folder or one of its checkpoints; `data_dir` "": the training's. Throws
// MissingInput, DataError.
StoredRun open_stored_run(const std::string& path, const std::string& data_dir);

}  // namespace tenfold::rich_lazy
