// Files for the programs under scripts/peers, which do the same work from the same numbers.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "tools/nino-nowcast/bench_cases.h"

namespace tenfold::nino_nowcast {

// FOLDER/nowcast-NAME.safetensors:
//   edge_index [2, E] int32, edge_type [E] int32, slots [E, F'] int64 (-1: none), pos [N, 8],
//   states [P, c], param_sizes [tensors] int64, prediction [P] (ours, for horizon k of `metadata`)
void export_nowcast(const std::string& folder, const NowcastCase& c, const NeuralGraph& graph,
                    const at::Tensor& pos, const at::Tensor& states, int64_t k,
                    const at::Tensor& prediction);

// FOLDER/meta.safetensors: the weights, named as in the specification's section 3.7.
void export_meta_model(const std::string& folder, const MetaModel& model);

// FOLDER/training.safetensors: x, y (TrainingBatches), initial [P]; learning rate in the metadata.
void export_training(const std::string& folder, const TrainingBatches& batches,
                     const at::Tensor& initial, double lr);

}  // namespace tenfold::nino_nowcast
