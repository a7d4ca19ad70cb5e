// A layer that mixes the parcels of a graph: attention, or (ablation) convolution (specification,
// sections 3.4 and 6).
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "common/train/parameters.h"
#include "tools/samba-align/graph.h"

namespace tenfold::samba_align {

enum class GraphKind { kAttention, kConvolution };

class GraphBlock {
 public:
  GraphBlock() = default;
  // A convolution has one matrix and no heads.
  GraphBlock(train::Parameters& parameters, const std::string& name, int64_t in, int64_t out,
             int64_t heads, GraphKind kind = GraphKind::kAttention);

  // nodes [batch, nodes, in] -> [batch, nodes, out]; sample b has the graph graphs[b].
  at::Tensor operator()(const at::Tensor& nodes, const std::vector<GraphPtr>& graphs) const;

  // Of one sample's nodes [nodes, in]: the weight of every edge, [edges, heads].
  at::Tensor edge_weights(const at::Tensor& nodes, const GraphPtr& graph) const;

 private:
  GraphKind kind_ = GraphKind::kAttention;
  at::Tensor left_, right_, attn_;  // [heads * out, in], the same, [1, out]; convolution: left_
};

// D^-1/2 (|A| o M + I) D^-1/2 of every entry of the graph, [edges]; M is the mask without its
// diagonal, D the row sums.
std::vector<float> convolution_weights(const Graph& graph);

}  // namespace tenfold::samba_align
