// rotary_attention.h on device memory: every pointer, those in `shape` included, is the device's.
// The weights that dropout spares are those of the CPU, and the bytes are the same every time.
//
// All are queued on `stream` (a cudaStream_t; nullptr is the default stream) and throw Unavailable
// in a CPU-only build or when the device refuses the launch.
#pragma once

#include "common/kernels/rotary_attention.h"

namespace tenfold::kernels {

// The greatest numbers of tokens of a sequence: how many tiles the device provides for.
struct RotaryMost {
  int64_t queries, keys;
};

// All tasks of shape.tasks().
void rotary_attention_cuda(const RotaryShape& shape, const RotaryMost& most,
                           const RotaryInput& input, const AttentionDropout& dropout, float* out,
                           float* norms, void* stream);

// dots [query tokens, heads] is scratch.
void rotary_attention_backward_cuda(const RotaryShape& shape, const RotaryMost& most,
                                    const RotaryInput& input, const AttentionDropout& dropout,
                                    const float* out, const float* d_out, const float* norms,
                                    float* dots, float* dq, float* dk, float* dv, void* stream);

// Gradients by token to gradients by row (TokenSide::row): sum [rows, width] of by_token
// [tokens, width], where row r has the tokens order[offsets[r]] .. order[offsets[r + 1] - 1].
void token_sum_cuda(const float* by_token, const int32_t* order, const int32_t* offsets,
                    int64_t rows, int64_t tokens, int64_t width, float* sum, void* stream);

}  // namespace tenfold::kernels
