#include "common/core/error.h"
#include "common/kernels/rotary_attention_cuda.h"

namespace tenfold::kernels {
namespace {

[[noreturn]] void refuse() {
  throw Unavailable("rotary_attention on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace

void rotary_attention_cuda(const RotaryShape&, const RotaryMost&, const RotaryInput&,
                           const AttentionDropout&, float*, float*, void*) {
  refuse();
}

void rotary_attention_backward_cuda(const RotaryShape&, const RotaryMost&, const RotaryInput&,
                                    const AttentionDropout&, const float*, const float*,
                                    const float*, float*, float*, float*, float*, void*) {
  refuse();
}

void token_sum_cuda(const float*, const int32_t*, const int32_t*, int64_t, int64_t, int64_t, float*,
                    void*) {
  refuse();
}

}  // namespace tenfold::kernels
