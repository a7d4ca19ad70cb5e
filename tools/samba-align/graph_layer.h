// Graph attention as an operator with gradients (specification, section 3.4).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "tools/samba-align/graph.h"

namespace tenfold::samba_align {

// left, right [batch, nodes, heads * features], attn [features] -> [batch, nodes, features]; sample
// b has the graph graphs[b]. float32 on the CPU.
at::Tensor graph_attention(const at::Tensor& left, const at::Tensor& right, const at::Tensor& attn,
                           const std::vector<GraphPtr>& graphs);

// Weights of sample b's edges, [edges, heads].
at::Tensor graph_attention_weights(const at::Tensor& left, const at::Tensor& right,
                                   const at::Tensor& attn, const GraphPtr& graph);

}  // namespace tenfold::samba_align
