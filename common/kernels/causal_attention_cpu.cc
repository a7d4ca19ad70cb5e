#include "common/kernels/causal_attention.h"
#include "common/kernels/causal_attention_isa.h"
#include "common/kernels/isa.h"

namespace tenfold::kernels {
namespace {

const AttentionTable& table() { return use_avx512() ? kAttentionAvx512 : kAttentionAvx2; }

}  // namespace

void causal_attention(const AttentionShape& shape, const AttentionInput& input, int64_t first,
                      int64_t end, float* out, float* norms) {
  table().forward(shape, input, first, end, out, norms);
}

void causal_attention_backward(const AttentionShape& shape, const AttentionInput& input,
                               const float* out, const float* d_out, const float* norms,
                               int64_t first, int64_t end, float* dq, float* dk, float* dv) {
  table().backward(shape, input, out, d_out, norms, first, end, dq, dk, dv);
}

}  // namespace tenfold::kernels
