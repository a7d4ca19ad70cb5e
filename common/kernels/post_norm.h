// Row-wise arithmetic of post-norm Transformer layers (Vaswani et al. 2017) on the CPU, each in one
// pass over memory. Matrices are [rows, width] float32 without gaps.
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

struct NormWeights {
  const float *weight, *bias;  // [width]
  float eps;
};

// out = LayerNorm(x + branch + branch_bias [width]). `branch` becomes the normalised sum before
// weight and bias, which the way back needs, with inverse_std [rows].
void residual_norm(int64_t rows, int64_t width, const float* x, float* branch,
                   const float* branch_bias, const NormWeights& norm, float* out,
                   float* inverse_std);

// d_sum = gradient of x + branch; adds to d_weight and d_bias [width].
void residual_norm_backward(int64_t rows, int64_t width, const float* normalised,
                            const float* inverse_std, const float* weight, const float* d_out,
                            float* d_sum, float* d_weight, float* d_bias);

// Adds the sum over rows to `sum` [width].
void column_sum(int64_t rows, int64_t width, const float* x, float* sum);

// relu(x + bias [width]), in place.
void bias_relu(int64_t rows, int64_t width, const float* bias, float* x);

// d_hidden where hidden > 0, else 0, in place; adds its sum over rows to `d_bias` [width].
void relu_backward(int64_t rows, int64_t width, const float* hidden, float* d_hidden,
                   float* d_bias);

}  // namespace tenfold::kernels
