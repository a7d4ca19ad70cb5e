// The loops of edge_tile.h over edges and columns, compiled once for every instruction set
// (edge_tile_avx2.cc, edge_tile_avx512.cc). Nothing of the standard library is instantiated here.
#pragma once

#include "common/kernels/edge_tile_body.h"
#include "common/kernels/simd.h"

namespace tenfold::kernels::TENFOLD_ISA {

using Floats = Vector<float>;
using Bits = Vector<uint32_t>;

static inline void gather_add_silu(float* hidden, const float* source_term,
                                   const float* target_term, const int32_t* source,
                                   const int32_t* target, int64_t tile, int64_t width) {
  for (int64_t e = 0; e < tile; ++e) {
    float* h = hidden + e * width;
    const float* s = source_term + source[e] * width;
    const float* t = target_term + target[e] * width;
    for_columns<float>(width, [&](int64_t i, auto at) {
      at.set(h + i, silu<Floats, Bits>(at.get(h + i) + at.get(s + i) + at.get(t + i)));
    });
  }
}

static inline void bias_silu(float* value, const float* bias, int64_t tile, int64_t width) {
  for (int64_t e = 0; e < tile; ++e) {
    float* v = value + e * width;
    for_columns<float>(width, [&](int64_t i, auto at) {
      at.set(v + i, silu<Floats, Bits>(at.get(v + i) + at.get(bias + i)));
    });
  }
}

// sum[target[e], :] += term(e, :). A run of edges with one target stays in registers.
template <class Term>
static inline void sum_runs(const int32_t* target, float* sum, int64_t tile, int64_t width,
                            const Term& term) {
  for (int64_t first = 0, end = 0; first < tile; first = end) {
    while (end < tile && target[end] == target[first]) ++end;
    float* out = sum + target[first] * width;
    for_column_blocks<float>(width, [&](int64_t column, auto block, auto at) {
      constexpr int kVectors = decltype(block)::kValue;
      constexpr int64_t kLanes = VectorOf<float>::kLanes;
      Floats total[kVectors];
      for (int k = 0; k < kVectors; ++k) total[k] = at.get(out + column + k * kLanes);
      for (int64_t e = first; e < end; ++e) {
        for (int k = 0; k < kVectors; ++k) total[k] += term(e, column + k * kLanes, at);
      }
      for (int k = 0; k < kVectors; ++k) at.set(out + column + k * kLanes, total[k]);
    });
  }
}

static inline void gather_modulate_sum(const float* scale, const float* scale_bias,
                                       const float* source_term, const int32_t* source,
                                       const int32_t* target, float* sum, int64_t tile,
                                       int64_t width) {
  sum_runs(target, sum, tile, width, [&](int64_t e, int64_t i, auto at) {
    return modulated(at.get(scale + e * width + i), at.get(scale_bias + i),
                     at.get(source_term + source[e] * width + i));
  });
}

static inline void segment_sum(const float* value, const int32_t* target, float* sum, int64_t tile,
                               int64_t width) {
  sum_runs(target, sum, tile, width,
           [&](int64_t e, int64_t i, auto at) { return at.get(value + e * width + i); });
}

}  // namespace tenfold::kernels::TENFOLD_ISA
