// A trained translator with the recordings that it is asked about.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/log/result.h"
#include "tools/samba-align/dataset.h"
#include "tools/samba-align/model.h"
#include "tools/samba-align/stored_run.h"

namespace tenfold::samba_align {

struct OpenedRun {
  StoredRun stored;
  RecordingSet recordings;
  std::unique_ptr<Dataset> dataset;
  std::vector<std::unique_ptr<Model>> models;  // one a seed

  std::vector<std::pair<int64_t, const Model*>> seed_models() const;
};

// `data` empty: the recordings of the training. Throws Mismatch for recordings of other sizes than
// the model's, and as open_stored_run and read_recordings do.
OpenedRun open_run(const std::string& run, const std::string& data, const std::string& weights);

// Seeds, data and model of a result about an opened run.
log::Result opened_result(const OpenedRun& run);

}  // namespace tenfold::samba_align
