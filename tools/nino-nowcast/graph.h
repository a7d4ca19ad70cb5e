// Neural graphs: nodes are neurons and auxiliary nodes, edges are scalar weights (specification,
// sections 3.2-3.5). The order of nodes and edges is that of the official code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/nino-nowcast/arch.h"

namespace tenfold::nino_nowcast {

// Edge types: rows of the embedding table (section 3.2).
enum EdgeType : int32_t {
  kLinear = 1,
  kBias = 2,
  kConv = 3,
  kNormWeight = 4,
  kWordEmbedding = 5,
  kPositionEmbedding = 6,
  kQuery = 7,
  kKey = 8,
  kValue = 9,
  kResidual = 10,
  kHead = 11,
  kSelfLoop = 13,
};

// Edges of these types carry no weight: residual and head edges the constant 1, self-loops 2.
inline bool is_auxiliary(int32_t type) { return type >= kResidual; }

struct GraphOptions {
  bool corrected =
      false;  // --graph-compat corrected: Llama embeddings on their own edges (section 3.5)
  bool naive = false;  // --graph naive: no heads, no residuals, q/k/v as plain layers (section 3.4)
};

// A run of consecutive edges that belong to one tensor (or one head, or one residual).
struct EdgeBlock {
  std::string name;  // "fc.0.weight", "transformer.h.0.attn.q.weight", "...head0", "...res"
  std::vector<int64_t> shape;  // as in the parity files' edge_layout
  int32_t type = 0;
  int64_t first = 0, end = 0;
};

struct NeuralGraph {
  int64_t num_nodes = 0;
  int64_t feature_size = 1;  // F': the most weights on one edge (1, or kernel height * width)
  std::vector<int32_t> source, target, type;  // [E]
  // [E, F']: which entry of the flat parameter vector lies in a slot; -1 for none.
  std::vector<int64_t> slots;
  std::vector<int32_t> word_position;  // [N]: word id + 1, 0 for nodes that are no words
  std::vector<EdgeBlock> layout;       // without the self-loops
  int64_t first_self_loop = 0;

  int64_t num_edges() const { return static_cast<int64_t>(source.size()); }
};

// Throws DataError naming the parameter for what section 3.3 refuses, kernels above 3x3, and shapes
// that do not fit the family.
NeuralGraph build_graph(const Architecture& arch, const GraphOptions& options);

// --subgraph: the parameter list cut at block boundaries, one graph a piece (end of section 3.5).
// The slots still point into the whole parameter vector.
std::vector<NeuralGraph> build_subgraphs(const Architecture& arch, const GraphOptions& options);

}  // namespace tenfold::nino_nowcast
