// The gated linear unit with a Gaussian error gate (GEGLU, Shazeer 2020), one pass over memory
// each way. float32, rows without gaps.
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

// out [rows, width] = value * gelu(gate) for hidden [rows, 2 * width], values first; gelu(g) =
// g (1 + erf(g / sqrt 2)) / 2.
void geglu(int64_t rows, int64_t width, const float* hidden, float* out);

// d_hidden [rows, 2 * width] from d_out [rows, width].
void geglu_backward(int64_t rows, int64_t width, const float* hidden, const float* d_out,
                    float* d_hidden);

// Both on device memory, queued on `stream` (a cudaStream_t); throw Unavailable in a CPU-only build
// or when the device refuses the launch.
void geglu_cuda(int64_t rows, int64_t width, const float* hidden, float* out, void* stream);
void geglu_backward_cuda(int64_t rows, int64_t width, const float* hidden, const float* d_out,
                         float* d_hidden, void* stream);

}  // namespace tenfold::kernels
