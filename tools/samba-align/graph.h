// Who listens to whom: the graph of a subject's parcels (specification, sections 2.1 and 3.4).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace tenfold::samba_align {

struct Graph {
  std::vector<int32_t> begin;  // [nodes + 1]
  std::vector<int32_t> node;   // neighbours of every node, ascending; itself always among them
  // |A| of every entry, 1 for the node itself (the ablation gcn weighs by it).
  std::vector<float> strength;

  int64_t nodes() const { return int64_t(begin.size()) - 1; }
  int64_t edges() const { return int64_t(node.size()); }
};
using GraphPtr = std::shared_ptr<const Graph>;

// Pearson correlation of the rows of x [nodes, time], NaN as 0: [nodes, nodes] row-major. Rows that
// do not vary correlate with nothing, nor with themselves.
std::vector<double> correlations(const float* x, int64_t nodes, int64_t time, int64_t stride);

// Entries other than 0, and the diagonal. `adjacency` [nodes, nodes], row i hears column j; need
// not be symmetric.
GraphPtr graph_of_nonzero(const std::vector<double>& adjacency, int64_t nodes);
// The ceil(density n (n - 1) / 2) unordered pairs of largest |r|, and the diagonal; of equal ones
// the lower index first.
GraphPtr graph_of_density(const std::vector<double>& correlation, int64_t nodes, double density);
// Every node marks its `degree` strongest neighbours; an edge exists where either end marked it.
GraphPtr graph_of_degree(const std::vector<double>& correlation, int64_t nodes, int64_t degree);
// Every node alone.
GraphPtr graph_of_selves(int64_t nodes);

}  // namespace tenfold::samba_align
