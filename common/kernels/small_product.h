// Small matrix products for kernels that keep their operands in the cache: four rows of A, element
// by element, times panels of B. Compiled once for every instruction set.
#pragma once

#include <stdint.h>

#include "common/kernels/simd.h"

namespace tenfold::kernels::TENFOLD_ISA {

using Floats = Vector<float>;
constexpr int64_t kFloatLanes = VectorOf<float>::kLanes;
constexpr int64_t kPanel = 2 * kFloatLanes;  // columns of a panel
constexpr int kTileRows = 4;

static inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

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

  // B[k][j] = from[k * k_step + j * j_step].
  void fill(const float* from, int64_t k_step, int64_t j_step) const {
    for (int64_t first = 0; first < columns; first += kPanel) {
      const int64_t wide = width(first), there = columns - first < wide ? columns - first : wide;
      float* to = at(first);
      const float* source = from + first * j_step;
      for (int64_t k = 0; k < depth; ++k, to += wide, source += k_step) {
        if (j_step == 1) {
          for_columns<float>(
              there, [&](int64_t j, auto access) { store(to + j, access.get(source + j)); });
        } else {
          for (int64_t j = 0; j < there; ++j) to[j] = source[j * j_step];
        }
        for (int64_t j = j_step == 1 ? round_up(there, kFloatLanes) : there; j < wide; ++j)
          to[j] = 0;
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
  for (int r = 0; r < kTileRows; ++r) {
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
  for (int r = 0; r < kTileRows; ++r) {
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
