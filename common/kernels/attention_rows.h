// What attention kernels do with rows of scores, compiled once for every instruction set.
#pragma once

#include <math.h>

#include "common/kernels/small_product.h"

namespace tenfold::kernels::TENFOLD_ISA {

using Lanes = Vector<int32_t>;

// e^x for x <= 0 within 2 units in the last place, and 0 below 2^-124 (Cephes' polynomial).
static inline Floats exp_negative(Floats given) {
  const Floats lowest = Floats{} - 86.0f, zero = {};
  const Floats x = given > lowest ? given : lowest;
  const Floats shifted = x * 1.44269504088896341f + 12582912.0f;  // 1.5 * 2^23: rounds to integer
  const Floats n = shifted - 12582912.0f;
  const Floats r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Floats p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  Vector<uint32_t> bits, exponent;
  __builtin_memcpy(&bits, &p, sizeof p);
  __builtin_memcpy(&exponent, &shifted, sizeof shifted);
  bits += exponent << 23;
  __builtin_memcpy(&p, &bits, sizeof p);
  return given > lowest ? p : zero;
}

static inline float greatest_of(const Floats& v) {
  return across(v, [](auto a, auto b) { return a > b ? a : b; });
}

// Lane j of a vector that begins at column `first` where first + j < valid, else `otherwise`.
static inline Floats only(const Floats& v, int64_t first, int64_t valid, float otherwise) {
  Lanes columns;
  for (int64_t j = 0; j < kFloatLanes; ++j) columns[j] = int32_t(j);
  return columns < int32_t(valid - first) ? v : Floats{} + otherwise;
}

static inline float dot_of(const float* a, const float* b, int64_t n) {
  Floats sum = {};
  for_columns<float>(n, [&](int64_t j, auto at) { sum += at.get(a + j) * at.get(b + j); });
  return sum_of(sum);
}

// Rows i0 .. i0 + 3 of a matrix; rows beyond the last repeat it.
static inline Rows rows_of(const float* base, int64_t stride, int64_t i0, int64_t count) {
  Rows rows;
  for (int r = 0; r < kTileRows; ++r)
    rows.row[r] = base + (i0 + r < count ? i0 + r : count - 1) * stride;
  rows.step = 1;
  return rows;
}

static inline Rows rows_of(const float* base, int64_t pitch) {
  return {{base, base + pitch, base + 2 * pitch, base + 3 * pitch}, 1};
}

// A row of scores fits, and its pitch is no multiple of the page, which would crowd a cache set.
static inline int64_t score_pitch(int64_t time) {
  const int64_t pitch = round_up(time, kPanel);
  return pitch % 256 == 0 ? pitch + kPanel : pitch;
}

// Scores of one row to e^(scale (s - max)), zero from `valid` on to `end`; what normalises them
// goes to `norm`: scale * max and 1 / sum.
static inline void softmax_row(float* s, int64_t valid, int64_t end, float scale, float* norm) {
  const int64_t last = round_up(valid, kFloatLanes) - kFloatLanes;
  Floats high = only(load(s + last), last, valid, -INFINITY);
  store(s + last, high);
  for (int64_t j = 0; j < last; j += kFloatLanes) {
    const Floats x = load(s + j);
    high = x > high ? x : high;
  }
  const float most = greatest_of(high);
  Floats sum = {};
  for (int64_t j = 0; j <= last; j += kFloatLanes) {
    const Floats e = exp_negative((load(s + j) - most) * scale);
    store(s + j, e);
    sum += e;
  }
  for (int64_t j = last + kFloatLanes; j < end; ++j) s[j] = 0;
  norm[0] = most * scale;
  norm[1] = 1.0f / sum_of(sum);
}

}  // namespace tenfold::kernels::TENFOLD_ISA
