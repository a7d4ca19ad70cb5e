// Matrix products in which one size is small, such as the inputs and outputs of a network: one pass
// over what is large, float32, on the CPU. Matrices are row-major without gaps.
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

// c [rows, columns] = a [rows, few] b [few, columns].
void thin_product(int64_t rows, int64_t few, int64_t columns, const float* a, const float* b,
                  float* c);

// c [rows, few] = a [rows, depth] b^T, b [few, depth].
void narrow_product(int64_t rows, int64_t depth, int64_t few, const float* a, const float* b,
                    float* c);

// c [few, columns] = a^T b, a [rows, few], b [rows, columns].
void tall_product(int64_t rows, int64_t few, int64_t columns, const float* a, const float* b,
                  float* c);

}  // namespace tenfold::kernels
