// The arithmetic of edge_tile.h, compiled once for every instruction set (see edge_tile_avx2.cc and
// edge_tile_avx512.cc). Everything lives in the namespace TENFOLD_ISA and nothing of the standard library is
// instantiated, so that no wide instruction leaks into code that runs elsewhere.
#pragma once

#include <stdint.h>

namespace tenfold::kernels::TENFOLD_ISA {

// e^x with a relative error below 2e-7 for x in [-87, 88]; outside the argument is clamped.
static inline float fast_exp(float x) {
  const float clamped = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
  const float scaled = clamped * 1.44269504088896341f;
  const float n = __builtin_rintf(scaled);
  // ln 2 in two parts keeps the remainder exact.
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return p * power;
}

static inline float silu(float x) { return x / (1.0f + fast_exp(-x)); }

static inline void gather_add_silu(float* __restrict hidden, const float* __restrict source_term,
                                   const float* __restrict target_term, const int32_t* source, const int32_t* target,
                                   int64_t tile, int64_t width) {
  for (int64_t e = 0; e < tile; ++e) {
    float* __restrict h = hidden + e * width;
    const float* __restrict s = source_term + source[e] * width;
    const float* __restrict t = target_term + target[e] * width;
    for (int64_t i = 0; i < width; ++i) h[i] = silu(h[i] + s[i] + t[i]);
  }
}

static inline void gather_modulate_sum(const float* __restrict scale, const float* __restrict scale_bias,
                                       const float* __restrict source_term, const int32_t* source,
                                       const int32_t* target, float* __restrict sum, int64_t tile, int64_t width) {
  for (int64_t e = 0; e < tile; ++e) {
    const float* __restrict g = scale + e * width;
    const float* __restrict s = source_term + source[e] * width;
    float* __restrict out = sum + target[e] * width;
    for (int64_t i = 0; i < width; ++i) out[i] += (g[i] + scale_bias[i]) * s[i];
  }
}

static inline void segment_sum(const float* __restrict value, const int32_t* target, float* __restrict sum,
                               int64_t tile, int64_t width) {
  for (int64_t e = 0; e < tile; ++e) {
    const float* __restrict v = value + e * width;
    float* __restrict out = sum + target[e] * width;
    for (int64_t i = 0; i < width; ++i) out[i] += v[i];
  }
}

static inline void bias_silu(float* __restrict value, const float* __restrict bias, int64_t tile, int64_t width) {
  for (int64_t e = 0; e < tile; ++e) {
    float* __restrict v = value + e * width;
    for (int64_t i = 0; i < width; ++i) v[i] = silu(v[i] + bias[i]);
  }
}

}  // namespace tenfold::kernels::TENFOLD_ISA
