// Row-wise arithmetic of Mamba blocks on the CPU, each in one pass over memory: silu gates, the RMS
// norm after a gate (Mamba-2), and the layer norm of a running sum. float32; rows are `*_step`
// floats apart.
#pragma once

#include <stdint.h>

#include "common/kernels/post_norm.h"

namespace tenfold::kernels {

// The two factors of value * silu(gate): [rows, width] each, with rows `step` apart.
struct Gated {
  const float *value, *gate;
  int64_t value_step, gate_step;
};
struct GatedGradient {
  float *value, *gate;
  int64_t value_step, gate_step;
};

// out [rows, width] = value * silu(gate), without gaps.
void gate_rows(int64_t rows, int64_t width, const Gated& in, float* out);
void gate_rows_backward(int64_t rows, int64_t width, const Gated& in, const float* d_out,
                        const GatedGradient& d_in);

// out = g / sqrt(mean(g^2) + eps) * weight for g = value * silu(gate), rows without gaps; inverse
// [rows] is what g was multiplied with, for the way back.
void gated_rms_norm(int64_t rows, int64_t width, const Gated& in, const float* weight, float eps,
                    float* out, float* inverse);
// Adds to d_weight [width].
void gated_rms_norm_backward(int64_t rows, int64_t width, const Gated& in, const float* weight,
                             const float* inverse, const float* d_out, const GatedGradient& d_in,
                             float* d_weight);

// sum = x + branch, out = LayerNorm(sum), rows without gaps; moments [rows, 2] are mean and inverse
// standard deviation, for the way back. Without a branch (null) the sum is x, and is not written.
void norm_of_sum(int64_t rows, int64_t width, const float* x, const float* branch,
                 const NormWeights& norm, float* sum, float* out, float* moments);
// d_x = the gradient of the sum: through the norm, plus d_sum (null: none), that of its other uses.
// Adds to d_weight and d_bias [width].
void norm_of_sum_backward(int64_t rows, int64_t width, const float* sum, const float* moments,
                          const float* weight, const float* d_out, const float* d_sum, float* d_x,
                          float* d_weight, float* d_bias);

}  // namespace tenfold::kernels
