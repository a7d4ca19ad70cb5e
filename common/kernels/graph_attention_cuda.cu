#include "common/kernels/blocks_cuda.h"
#include "common/kernels/graph_attention_blocks.h"
#include "common/kernels/graph_attention_cuda.h"

namespace tenfold::kernels {

void graph_attention_cuda(const GraphAttentionShape& shape, const GraphAttentionInput& input,
                          float* out, float* norms, void* stream) {
  graph_attention_by_blocks(shape, input, out, norms,
                            [&](const auto& body) { launch("graph_attention", body, stream); });
}

void graph_attention_backward_cuda(const GraphAttentionShape& shape,
                                   const GraphAttentionInput& input, const Neighbours& listeners,
                                   const float* norms, const float* d_out, float* scratch,
                                   float* d_left, float* d_right, float* d_attn, void* stream) {
  graph_attention_backward_by_blocks(
      shape, input, listeners, norms, d_out, scratch, d_left, d_right, d_attn,
      [&](const auto& body) { launch("graph_attention backward", body, stream); });
}

}  // namespace tenfold::kernels
