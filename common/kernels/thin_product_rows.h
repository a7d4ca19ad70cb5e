// The arithmetic of thin_product.h, compiled once for every instruction set.
#pragma once

#include "common/kernels/panel_product.h"
#include "common/kernels/scratch_parts.h"
#include "common/kernels/thin_product.h"

namespace tenfold::kernels::TENFOLD_ISA {

template <int kRows>
static inline void thin_rows(int64_t few, int64_t columns, const float* a, const float* b,
                             float* c) {
  for_columns<float>(columns, [&](int64_t j, auto access) {
    Floats sum[kRows] = {};
    for (int64_t k = 0; k < few; ++k) {
      const Floats column = access.get(b + k * columns + j);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) sum[r] += a[r * few + k] * column;
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) access.set(c + r * columns + j, sum[r]);
  });
}

static void thin_product(int64_t rows, int64_t few, int64_t columns, const float* a, const float* b,
                         float* c) {
  int64_t row = 0;
  for (; row + kTileRows <= rows; row += kTileRows)
    thin_rows<kTileRows>(few, columns, a + row * few, b, c + row * columns);
  for (; row < rows; ++row) thin_rows<1>(few, columns, a + row * few, b, c + row * columns);
}

static void narrow_product(int64_t rows, int64_t depth, int64_t few, const float* a, const float* b,
                           float* c) {
  const int64_t pitch = round_up(few, kFloatLanes);
  Panels turned{};
  float* wide = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    turned = p.panels(depth, few);
    wide = p.take(rows * pitch);
  });
  turned.fill_transposed(b, depth);
  product<false>(Left{a, rows, depth}, turned, wide, pitch);
  for (int64_t row = 0; row < rows; ++row) copy_row(wide + row * pitch, few, c + row * few);
}

// sum [few, pitch] += a^T b for some rows.
template <int kRows>
static inline void tall_rows(int64_t few, int64_t columns, const float* a, const float* b,
                             float* sum, int64_t pitch) {
  for_columns<float>(columns, [&](int64_t j, auto access) {
    Floats row[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) row[r] = access.get(b + r * columns + j);
    for (int64_t k = 0; k < few; ++k) {
      Floats all = load(sum + k * pitch + j);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) all += a[r * few + k] * row[r];
      store(sum + k * pitch + j, all);
    }
  });
}

static void tall_product(int64_t rows, int64_t few, int64_t columns, const float* a, const float* b,
                         float* c) {
  const int64_t pitch = round_up(columns, kFloatLanes);
  float* sum = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) { sum = p.take(few * pitch); });
  for (int64_t i = 0; i < few * pitch; ++i) sum[i] = 0;
  int64_t row = 0;
  for (; row + kTileRows <= rows; row += kTileRows)
    tall_rows<kTileRows>(few, columns, a + row * few, b + row * columns, sum, pitch);
  for (; row < rows; ++row)
    tall_rows<1>(few, columns, a + row * few, b + row * columns, sum, pitch);
  for (int64_t k = 0; k < few; ++k) copy_row(sum + k * pitch, columns, c + k * columns);
}

}  // namespace tenfold::kernels::TENFOLD_ISA
