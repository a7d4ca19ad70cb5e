// Laplacian positional encoding (specification, section 3.7).
#pragma once

#include <cstdint>
#include <vector>

#include "tools/nino-nowcast/graph.h"

namespace tenfold::nino_nowcast {

struct LaplacianEncoding {
  std::vector<float> pos;           // [num_nodes, dim], unit-norm columns with random signs
  std::vector<double> eigenvalues;  // [dim], ascending: the 2nd .. (dim+1)th smallest
};

// Eigenvectors of I - D^-1/2 A D^-1/2 of the undirected simple graph. Dense below kDenseNodes
// nodes, Lanczos (Spectra) above. Column signs come from the stream (seed, "lpe-sign"). Throws
// DataError for a graph of fewer than dim + 1 nodes, NumericError when max|L v - lambda v| > 1e-5.
LaplacianEncoding laplacian_encoding(const NeuralGraph& graph, int64_t dim, uint64_t seed);

constexpr int64_t kDenseNodes = 1000;

}  // namespace tenfold::nino_nowcast
