#include "common/kernels/graph_attention.h"
#include "common/kernels/graph_attention_isa.h"
#include "common/kernels/isa.h"

namespace tenfold::kernels {
namespace {

const GraphAttentionTable& table() {
  return use_avx512() ? kGraphAttentionAvx512 : kGraphAttentionAvx2;
}

}  // namespace

void graph_attention(const GraphAttentionShape& shape, const GraphAttentionInput& input, float* out,
                     float* norms) {
  table().forward(shape, input, out, norms);
}

void graph_attention_backward(const GraphAttentionShape& shape, const GraphAttentionInput& input,
                              const float* norms, const float* d_out, float* d_left, float* d_right,
                              float* d_attn) {
  table().backward(shape, input, norms, d_out, d_left, d_right, d_attn);
}

void graph_attention_weights(const GraphAttentionShape& shape, const GraphAttentionInput& input,
                             const float* norms, float* weight) {
  table().weights(shape, input, norms, weight);
}

}  // namespace tenfold::kernels
