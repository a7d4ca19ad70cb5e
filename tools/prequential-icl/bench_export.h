// Files for the programs under scripts/peers, which do the same work from the same numbers.
#pragma once

#include <string>
#include <vector>

#include "common/train/parameters.h"
#include "tools/prequential-icl/bench_cases.h"

namespace tenfold::prequential_icl {

// FOLDER/step-MODEL-SHAPE.safetensors:
//   points [batches, batch, S, 4] float32 (x, then y), weight/NAME (initial, the reference's
//   names); metadata: the numbers of the model
void export_step(const std::string& folder, const StepCase& c, const std::vector<Batch>& batches,
                 const train::Parameters& parameters);

// FOLDER/sgd.safetensors, for the first `fits` fits:
//   x [fits, 1100, 3], y [fits, 1100, 1] (80 points to train on, 20 to validate, 1000 to test),
//   order [fits, 50, 80] int64, initial [parameters]; metadata: lr, clip, batch, ...
void export_sgd(const std::string& folder, const SgdCase& c, uint64_t seed, int64_t fits);

}  // namespace tenfold::prequential_icl
