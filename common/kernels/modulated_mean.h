// Mean of modulated messages over the incoming edges of every node (NiNo, arXiv 2409.04434;
// specification section 3.7, with the saving of section 9: W_p [x_i ; x_j] = W_p1 x_i + W_p2 x_j,
// so the edge-sized product becomes two node-sized ones):
//   out_i = mean over edges j -> i of  scale_ij * (target_term_i + source_term_j) + shift_ij
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace tenfold::kernels {

// Edges sorted by target (for the forward pass) and by source (for the backward pass), so that both
// passes are segmented reductions: no atomics, the same bytes every time. Built once per graph.
struct EdgeIndex {
  int64_t num_nodes = 0, num_edges = 0;
  at::Tensor source, target;  // [E] int64, in the caller's order
  at::Tensor by_target,
      target_offsets;  // [E] edge ids, [N + 1]: edges into node i are by_target[o[i]..o[i+1])
  at::Tensor by_source, source_offsets;  // the same for edges out of node j

  // source, target [E] int64 on the CPU. Throws DataError when an index is outside [0, num_nodes).
  static EdgeIndex build(const at::Tensor& source, const at::Tensor& target, int64_t num_nodes);
  EdgeIndex to(at::Device device) const;
};

//   target_term [N, H], source_term [N, H], modulator [E, 2H] (scale, then shift; one row an edge)
//   float32 or float64, contiguous, all on one device
// Returns [N, H]; a node without incoming edges gets zeros. Differentiable in the three tensors.
// CUDA tensors are worked on in torch's current stream. Throws DataError for shapes, types or
// devices that do not fit, Unavailable for CUDA tensors in a CPU-only build.
at::Tensor modulated_mean(const at::Tensor& target_term, const at::Tensor& source_term,
                          const at::Tensor& modulator, const EdgeIndex& edges);

}  // namespace tenfold::kernels
