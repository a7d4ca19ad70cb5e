#include "common/kernels/isa.h"
#include "common/kernels/rotary_attention.h"
#include "common/kernels/rotary_attention_isa.h"

namespace tenfold::kernels {
namespace {

const RotaryTable& table() { return use_avx512() ? kRotaryAvx512 : kRotaryAvx2; }

}  // namespace

void rotary_attention(const RotaryShape& shape, const RotaryInput& input,
                      const AttentionDropout& dropout, int64_t first, int64_t end, float* out,
                      float* norms) {
  table().forward(shape, input, dropout, first, end, out, norms);
}

void rotary_attention_backward(const RotaryShape& shape, const RotaryInput& input,
                               const AttentionDropout& dropout, const float* out,
                               const float* d_out, const float* norms, int64_t first, int64_t end,
                               float* dq, float* dk, float* dv) {
  table().backward(shape, input, dropout, out, d_out, norms, first, end, dq, dk, dv);
}

}  // namespace tenfold::kernels
