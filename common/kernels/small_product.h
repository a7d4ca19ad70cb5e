// Small matrix products for kernels that keep their operands in the cache: four rows of A, element
// by element, times panels of B. Compiled once for every instruction set.
#pragma once

#include <immintrin.h>
#include <stdint.h>

#include "common/kernels/simd.h"

namespace tenfold::kernels::TENFOLD_ISA {

using Floats = Vector<float>;
constexpr int64_t kFloatLanes = VectorOf<float>::kLanes;
constexpr int64_t kPanel = 2 * kFloatLanes;  // columns of a panel
constexpr int kTileRows = 4;
// Loops over a tile are unrolled by hand: GCC keeps its sums in memory otherwise.

static inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// `from` is padded to whole vectors.
static inline void copy_row(const float* from, int64_t width, float* to) {
  for_columns<float>(width, [&](int64_t c, auto at) { at.set(to + c, load(from + c)); });
}

// to[k * to_step + j] = from[j * from_step + k] for j, k < 8.
static inline void transpose_8x8(const float* from, int64_t from_step, float* to, int64_t to_step) {
  __m256 row[8], pair[8];
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j) row[j] = _mm256_loadu_ps(from + j * from_step);
#pragma GCC unroll 4
  for (int j = 0; j < 8; j += 2) {
    pair[j] = _mm256_unpacklo_ps(row[j], row[j + 1]);
    pair[j + 1] = _mm256_unpackhi_ps(row[j], row[j + 1]);
  }
#pragma GCC unroll 2
  for (int j = 0; j < 8; j += 4) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      row[j + 2 * half] = _mm256_shuffle_ps(pair[j + half], pair[j + 2 + half], 0x44);
      row[j + 2 * half + 1] = _mm256_shuffle_ps(pair[j + half], pair[j + 2 + half], 0xEE);
    }
  }
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    _mm256_storeu_ps(to + k * to_step, _mm256_permute2f128_ps(row[k], row[k + 4], 0x20));
    _mm256_storeu_ps(to + (k + 4) * to_step, _mm256_permute2f128_ps(row[k], row[k + 4], 0x31));
  }
}

// B [depth, columns], cut into panels of kPanel columns (the last may be kFloatLanes wide), each
// [depth][width] without gaps and zero beyond `columns`.
struct Panels {
  float* data;
  int64_t depth, columns;

  static int64_t floats(int64_t depth, int64_t columns) {
    return depth * round_up(columns, kPanel);
  }
  int64_t width(int64_t first) const {
    return columns - first <= kFloatLanes ? kFloatLanes : kPanel;
  }
  float* at(int64_t first) const { return data + first * depth; }

  // B[k][j] = from[k * step + j].
  void fill(const float* from, int64_t step) const {
    for (int64_t first = 0; first < columns; first += kPanel) {
      const int64_t wide = width(first), there = columns - first < wide ? columns - first : wide;
      float* to = at(first);
      for (int64_t k = 0; k < depth; ++k, to += wide) {
        const float* source = from + k * step + first;
        for_columns<float>(there,
                           [&](int64_t j, auto access) { store(to + j, access.get(source + j)); });
        for (int64_t j = round_up(there, kFloatLanes); j < wide; ++j) to[j] = 0;
      }
    }
  }

  // B[k][j] = from[j * step + k].
  void fill_transposed(const float* from, int64_t step) const {
    for (int64_t first = 0; first < columns; first += kPanel) {
      const int64_t wide = width(first), there = columns - first < wide ? columns - first : wide;
      const int64_t blocks = there / 8 * 8, deep = depth / 8 * 8;
      float* to = at(first);
      const float* source = from + first * step;
      for (int64_t j = 0; j < blocks; j += 8) {
        for (int64_t k = 0; k < deep; k += 8)
          transpose_8x8(source + j * step + k, step, to + k * wide + j, wide);
      }
      for (int64_t k = 0; k < depth; ++k) {
        const int64_t done = k < deep ? blocks : 0;
        for (int64_t j = done; j < there; ++j) to[k * wide + j] = source[j * step + k];
        for (int64_t j = there; j < wide; ++j) to[k * wide + j] = 0;
      }
    }
  }
};

// Four rows of A: row r begins at row[r], its elements are `step` floats apart.
struct Rows {
  const float* row[kTileRows];
  int64_t step;
};

template <int kVectors, bool kAdd>
static inline void tile(const Rows& a, int64_t first, int64_t end, const float* panel, float* c,
                        int64_t pitch) {
  Floats sum[kTileRows][kVectors];
#pragma GCC unroll 4
  for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = kAdd ? load(c + r * pitch + v * kFloatLanes) : Floats{};
  }
  const float* b = panel + first * kVectors * kFloatLanes;
  for (int64_t k = first; k < end; ++k, b += kVectors * kFloatLanes) {
    Floats column[kVectors];
    for (int v = 0; v < kVectors; ++v) column[v] = load(b + v * kFloatLanes);
    for (int r = 0; r < kTileRows; ++r) {
      const float x = a.row[r][k * a.step];
      for (int v = 0; v < kVectors; ++v) sum[r][v] += x * column[v];
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) store(c + r * pitch + v * kFloatLanes, sum[r][v]);
  }
}

// C[r][j] (+)= sum over k in [first, end) of A[r][k] B[k][j], for the columns j < columns, rounded
// up to whole vectors: a row of C has room for them.
template <bool kAdd>
static inline void multiply(const Rows& a, int64_t first, int64_t end, const Panels& b,
                            int64_t columns, float* c, int64_t pitch) {
  for (int64_t j = 0; j < columns; j += kPanel) {
    if (b.width(j) == kPanel) {
      tile<2, kAdd>(a, first, end, b.at(j), c + j, pitch);
    } else {
      tile<1, kAdd>(a, first, end, b.at(j), c + j, pitch);
    }
  }
}

}  // namespace tenfold::kernels::TENFOLD_ISA
