// Where a network is on its way, as NiNo sees it (specification, section 5.1).
#pragma once

#include <ATen/core/Tensor.h>

#include "tools/nino-nowcast/arch.h"
#include "tools/nino-nowcast/graph.h"
#include "tools/nino-nowcast/meta_model.h"

namespace tenfold::nino_nowcast {

// Means of the hidden features after all message passing, the last layer's nodes included.
struct GraphEmbedding {
  at::Tensor nodes, edges;  // [h] each
};

// states [P, c] float32 raw snapshots, pos [N, lpe]. Throws DataError for a checkpoint that is no
// NiNo.
GraphEmbedding embed(const MetaModel& model, const Architecture& arch, const NeuralGraph& graph,
                     const at::Tensor& pos, const at::Tensor& states);

}  // namespace tenfold::nino_nowcast
