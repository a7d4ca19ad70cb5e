// Fast inference of NiNo and WNN+ (specification, sections 3.7 and 9), exact up to rounding:
//  - everything between two nonlinearities is one affine map, composed once in float64, so the
//  first
//    message passing and its edge update see 5 features an edge (45 with 3x3 kernels), not 128;
//  - the type of an edge is not multiplied as a one-hot input: its row is looked up;
//  - W_p [x_i ; x_j] = W_p1 x_i + W_p2 x_j; the shift half of the modulation and its part that
//    multiplies x_i are linear in the edge, hence are applied after the sum over edges, once a
//    node;
//  - the last message passing is skipped where nothing reads it; only the K-th rows of the readout
//    are computed.
// Edges are processed in tiles that stay in the cache. Hidden edge features are kept from one pass
// to the next in small graphs and computed again in large ones, so memory does not grow with edges
// x width beyond a fixed size.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "tools/nino-nowcast/graph.h"
#include "tools/nino-nowcast/meta_model.h"

namespace tenfold::nino_nowcast {

// The graph as inference wants it: edges sorted by target, and where their parameters lie.
struct GraphPlan {
  int64_t num_nodes = 0, num_edges = 0, feature_size = 1, num_params = 0;
  std::vector<int32_t> source, target, type;  // [E], sorted by target
  std::vector<int64_t> slots;                 // [E, F']
  at::Tensor pos;                             // [N, lpe] float32
  std::vector<int32_t> word_position;         // [N]

  // Throws DataError when pos is not [N, dim].
  static GraphPlan build(const NeuralGraph& graph, const at::Tensor& pos, int64_t dim);
};

struct InferenceOptions {
  int64_t chunk_size = 1'000'000;  // most edges a thread takes at once; memory only, same result
  double edge_sample_ratio =
      1.0;  // below 1: aggregate over a random subset of the edges of each layer
  uint64_t seed = 0, draw = 0;  // of that subset: the same pair gives the same edges
};

struct NinoMaps;  // the composed maps (inference_maps.h)

class NinoInference {
 public:
  // Composes the maps for graphs with `feature_size` weights on an edge. Throws DataError when that
  // is more than the checkpoint takes.
  NinoInference(const MetaModel& model, int64_t feature_size);
  ~NinoInference();

  // scaled [P, c] float32: scaled snapshots, column 0 oldest. k: horizon, 1..K.
  // Returns the predicted entries in scaled space, [P]; entries that are on no edge keep the last
  // column. Throws DataError for a word table smaller than the graph's vocabulary.
  at::Tensor predict(const GraphPlan& graph, const at::Tensor& scaled, int64_t k,
                     const InferenceOptions& options) const;

  // Floating-point operations of one call, counted from the maps.
  double flops(const GraphPlan& graph) const;

 private:
  std::unique_ptr<NinoMaps> maps_;
};

class WnnPlusInference {
 public:
  explicit WnnPlusInference(const MetaModel& model);
  ~WnnPlusInference();

  // scaled [P, c], type [P]: the edge type of each parameter. Returns [P] in scaled space.
  at::Tensor predict(const std::vector<int32_t>& type, const at::Tensor& scaled, int64_t k) const;

  double flops(int64_t num_params) const;

 private:
  struct Maps;
  std::unique_ptr<Maps> maps_;
};

}  // namespace tenfold::nino_nowcast
