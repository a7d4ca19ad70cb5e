#include <math.h>

#include "common/kernels/post_norm.h"

#define TENFOLD_ISA avx2
#include "common/kernels/simd.h"

namespace tenfold::kernels {
namespace {

using namespace avx2;
using Floats = Vector<float>;
constexpr int64_t kLanes = VectorOf<float>::kLanes;

float sum_of_block(const Floats* v) { return sum_of((v[0] + v[1]) + (v[2] + v[3])); }

}  // namespace

void residual_norm(int64_t rows, int64_t width, const float* x, float* branch,
                   const float* branch_bias, const NormWeights& norm, float* out,
                   float* inverse_std) {
  for (int64_t r = 0; r < rows; ++r, x += width, branch += width, out += width) {
    Floats sums[kBlock] = {};
    for_column_blocks<float>(width, [&](int64_t first, auto block, auto at) {
#pragma GCC unroll 4
      for (int v = 0; v < block.kValue; ++v) {
        const int64_t j = first + v * kLanes;
        const Floats s = at.get(x + j) + (at.get(branch + j) + at.get(branch_bias + j));
        at.set(branch + j, s);
        sums[v] += s;
      }
    });
    const float mean = sum_of_block(sums) / float(width);
    Floats squares[kBlock] = {};
    for_column_blocks<float>(width, [&](int64_t first, auto block, auto at) {
#pragma GCC unroll 4
      for (int v = 0; v < block.kValue; ++v) {
        const int64_t j = first + v * kLanes;
        at.set(branch + j, at.get(branch + j) - mean);
        const Floats d = at.get(branch + j);  // zero beyond the row's end
        squares[v] += d * d;
      }
    });
    const float inverse = 1.0f / sqrtf(sum_of_block(squares) / float(width) + norm.eps);
    inverse_std[r] = inverse;
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats n = at.get(branch + j) * inverse;
      at.set(branch + j, n);
      at.set(out + j, n * at.get(norm.weight + j) + at.get(norm.bias + j));
    });
  }
}

void residual_norm_backward(int64_t rows, int64_t width, const float* normalised,
                            const float* inverse_std, const float* weight, const float* d_out,
                            float* d_sum, float* d_weight, float* d_bias) {
  for (int64_t r = 0; r < rows; ++r, normalised += width, d_out += width, d_sum += width) {
    Floats plain = {}, along = {};
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats d = at.get(d_out + j), n = at.get(normalised + j);
      const Floats dn = d * at.get(weight + j);
      plain += dn;
      along += dn * n;
      at.set(d_weight + j, at.get(d_weight + j) + d * n);
      at.set(d_bias + j, at.get(d_bias + j) + d);
    });
    const float mean = sum_of(plain) / float(width), slope = sum_of(along) / float(width);
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats dn = at.get(d_out + j) * at.get(weight + j);
      at.set(d_sum + j, (dn - mean - at.get(normalised + j) * slope) * inverse_std[r]);
    });
  }
}

void column_sum(int64_t rows, int64_t width, const float* x, float* sum) {
  for (int64_t r = 0; r < rows; ++r, x += width)
    for_columns<float>(
        width, [&](int64_t j, auto at) { at.set(sum + j, at.get(sum + j) + at.get(x + j)); });
}

void bias_relu(int64_t rows, int64_t width, const float* bias, float* x) {
  const Floats zero = {};
  for (int64_t r = 0; r < rows; ++r, x += width) {
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats y = at.get(x + j) + at.get(bias + j);
      at.set(x + j, y > zero ? y : zero);
    });
  }
}

void relu_backward(int64_t rows, int64_t width, const float* hidden, float* d_hidden,
                   float* d_bias) {
  const Floats zero = {};
  for (int64_t r = 0; r < rows; ++r, hidden += width, d_hidden += width) {
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats d = at.get(hidden + j) > zero ? at.get(d_hidden + j) : zero;
      at.set(d_hidden + j, d);
      at.set(d_bias + j, at.get(d_bias + j) + d);
    });
  }
}

}  // namespace tenfold::kernels
