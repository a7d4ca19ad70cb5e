// Matrix products in the cache with the whole register file: up to six rows of the left side, not
// packed, times panels of the right side (small_product.h). Compiled once for every instruction
// set.
#pragma once

#include "common/kernels/small_product.h"

namespace tenfold::kernels::TENFOLD_ISA {

constexpr int64_t kProductRows = 6;  // with two vectors each: 12 of 16 registers

// The left side of a product: rows `step` floats apart, or columns where it is read transposed.
struct Left {
  const float* data;
  int64_t rows, step;
};

template <int kRows, int kVectors, bool kAdd, bool kTransposed>
static inline void product_tile(const float* a, int64_t step, int64_t depth, const float* b,
                                float* c, int64_t pitch) {
  Floats sum[kRows][kVectors];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = kAdd ? load(c + r * pitch + v * kFloatLanes) : Floats{};
  }
  for (int64_t k = 0; k < depth; ++k, b += kVectors * kFloatLanes) {
    Floats column[kVectors];
    for (int v = 0; v < kVectors; ++v) column[v] = load(b + v * kFloatLanes);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const float x = kTransposed ? a[k * step + r] : a[r * step + k];
      for (int v = 0; v < kVectors; ++v) sum[r][v] += x * column[v];
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) store(c + r * pitch + v * kFloatLanes, sum[r][v]);
  }
}

// A panel's worth of columns for all rows, in tiles whose heights differ by at most one.
template <int kVectors, bool kAdd, bool kTransposed>
static inline void product_panel(const Left& a, int64_t depth, const float* b, float* c,
                                 int64_t pitch) {
  const int64_t tiles = (a.rows + kProductRows - 1) / kProductRows;
  const int64_t low = tiles > 0 ? a.rows / tiles : 0, higher = a.rows - low * tiles;
  for (int64_t t = 0, row = 0; t < tiles; ++t) {
    const int64_t count = low + (t < higher ? 1 : 0);
    const float* from = a.data + row * (kTransposed ? 1 : a.step);
    float* to = c + row * pitch;
    row += count;
    switch (count) {
      case 6:
        product_tile<6, kVectors, kAdd, kTransposed>(from, a.step, depth, b, to, pitch);
        break;
      case 5:
        product_tile<5, kVectors, kAdd, kTransposed>(from, a.step, depth, b, to, pitch);
        break;
      case 4:
        product_tile<4, kVectors, kAdd, kTransposed>(from, a.step, depth, b, to, pitch);
        break;
      case 3:
        product_tile<3, kVectors, kAdd, kTransposed>(from, a.step, depth, b, to, pitch);
        break;
      case 2:
        product_tile<2, kVectors, kAdd, kTransposed>(from, a.step, depth, b, to, pitch);
        break;
      default:
        product_tile<1, kVectors, kAdd, kTransposed>(from, a.step, depth, b, to, pitch);
    }
  }
}

// C [a.rows, b.columns] (+)= A B, or A^T B. Rows of C, `pitch` apart, have room for whole vectors.
template <bool kAdd, bool kTransposed = false>
static void product(const Left& a, const Panels& b, float* c, int64_t pitch) {
  for (int64_t j = 0; j < b.columns; j += kPanel) {
    if (b.width(j) == kPanel) {
      product_panel<2, kAdd, kTransposed>(a, b.depth, b.at(j), c + j, pitch);
    } else {
      product_panel<1, kAdd, kTransposed>(a, b.depth, b.at(j), c + j, pitch);
    }
  }
}

// C = A^T B, or where asked C += A^T B.
static inline void sum_product(bool add, const Left& a, const Panels& b, float* c, int64_t pitch) {
  if (add) {
    product<true, true>(a, b, c, pitch);
  } else {
    product<false, true>(a, b, c, pitch);
  }
}

}  // namespace tenfold::kernels::TENFOLD_ISA
