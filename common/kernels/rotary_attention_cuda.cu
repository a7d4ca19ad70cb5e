#include "common/kernels/blocks_cuda.h"
#include "common/kernels/rotary_attention_blocks.h"

namespace tenfold::kernels {

void rotary_attention_cuda(const RotaryShape& shape, const RotaryMost& most,
                           const RotaryInput& input, const AttentionDropout& dropout, float* out,
                           float* norms, void* stream) {
  rotary_attention_by_blocks(shape, most, input, dropout, out, norms,
                             [&](const auto& body) { launch("rotary_attention", body, stream); });
}

void rotary_attention_backward_cuda(const RotaryShape& shape, const RotaryMost& most,
                                    const RotaryInput& input, const AttentionDropout& dropout,
                                    const float* out, const float* d_out, const float* norms,
                                    float* dots, float* dq, float* dk, float* dv, void* stream) {
  rotary_attention_backward_by_blocks(
      shape, most, input, dropout, out, d_out, norms, dots, dq, dk, dv,
      [&](const auto& body) { launch("rotary_attention backward", body, stream); });
}

void token_sum_cuda(const float* by_token, const int32_t* order, const int32_t* offsets,
                    int64_t rows, int64_t tokens, int64_t width, float* sum, void* stream) {
  token_sum_by_blocks(by_token, order, offsets, rows, tokens, width, sum,
                      [&](const auto& body) { launch("token_sum", body, stream); });
}

}  // namespace tenfold::kernels
