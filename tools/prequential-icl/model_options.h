// From the options of the command line to a learner, for `train` and for what reads its
// checkpoints.
#pragma once

#include <string>
#include <vector>

#include "tools/prequential-icl/config.h"
#include "tools/prequential-icl/learner_program.h"

namespace tenfold::prequential_icl {

LearnerOptions learner_options(const TrainConfig& config);

// Means over members of their training curves, row by row.
std::vector<TrainingPoint> mean_curve(const std::vector<LearnerMember>& members);

// A trained run on disk: its options, and the folder of the checkpoint.
struct StoredRun {
  TrainConfig config;
  std::vector<int64_t> seeds;
  std::string checkpoint;
  int64_t x_dim = 0, y_dim = 0;  // of the points that it was trained on
};

// What a checkpoint's manifest says of a run, for open_stored_run.
std::string stored_arch(const std::string& config_json, const DataShape& shape);

// `path` is a run's folder (its newest checkpoint) or a checkpoint. Throws MissingInput, DataError.
StoredRun open_stored_run(const std::string& path);

// Weights of the member `seed`, by name. Throws Mismatch where they do not fit.
void load_weights(const StoredRun& run, int64_t seed, const train::Parameters& parameters);

}  // namespace tenfold::prequential_icl
