// NiNo and WNN+ as differentiable compositions, for meta-training and as the reference that
// inference.h is tested against (specification, section 3.7).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/kernels/modulated_mean.h"
#include "tools/nino-nowcast/graph.h"
#include "tools/nino-nowcast/meta_model.h"

namespace tenfold::nino_nowcast {

// One graph with the scaled features of its edges.
struct GraphInput {
  const NeuralGraph* graph = nullptr;
  at::Tensor features;       // [E, F' * c], index f * c + t; auxiliary edges filled in
  at::Tensor pos;            // [N, lpe]
  at::Tensor word_position;  // [N] int64, only read with a word table
};

// Several graphs as one disconnected graph: node ids offset, features kept apart (F' may differ).
struct GraphBatch {
  std::vector<GraphInput> graphs;
  std::vector<int64_t> first_edge;  // of every graph, and the total
  at::Tensor types;                 // [E] int64
  at::Tensor pos, word_position;    // [N, lpe], [N]
  kernels::EdgeIndex edges;

  static GraphBatch build(std::vector<GraphInput> graphs);
};

// Scaled snapshots [P, c] laid on the edges of a graph: [E, F' * c]. Residual and head edges get 1,
// self-loops 2, in slot 0.
at::Tensor edge_features(const NeuralGraph& graph, const at::Tensor& scaled);

// Intermediate values, for parity tests; see section 5.4.
using Activations = std::map<std::string, at::Tensor>;

// Hidden edge features after message passing, [E, h].
at::Tensor nino_edge_states(const MetaModel& model, const GraphBatch& batch,
                            Activations* record = nullptr);

// Change of every slot at the first `horizons` horizons: edge_states [E_g, h] of one graph ->
// [E_g, F', horizons], scaled space, before upd_scale.
at::Tensor nino_changes(const MetaModel& model, const at::Tensor& edge_states, int64_t feature_size,
                        int64_t horizons);

// WNN+: scaled [n, c], types [n] int64 -> change [n, horizons].
at::Tensor wnn_plus_changes(const MetaModel& model, const at::Tensor& scaled,
                            const at::Tensor& types, int64_t horizons);

}  // namespace tenfold::nino_nowcast
