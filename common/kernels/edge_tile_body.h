// The arithmetic of edge_tile.h, written once for one column (F float, I uint32_t; host and device)
// and for a vector of columns (simd.h).
#pragma once

#include <stdint.h>
#include <string.h>

#include "common/kernels/host_device.h"

namespace tenfold::kernels::TENFOLD_ISA {

template <class To, class From>
TENFOLD_HOST_DEVICE static inline To reinterpret(const From& from) {
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

// e^r for |r| <= ln(2) / 2 (the minimax polynomial of Cephes expf).
template <class F>
TENFOLD_HOST_DEVICE static inline F exp_near_zero(const F& r) {
  F p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r + 1.0f;
}

// x / (1 + e^-x), relative error below 4e-7; what would be subnormal is 0. NaN stays NaN. I is
// unsigned: the bits of NaN overflow on their way through.
template <class F, class I>
TENFOLD_HOST_DEVICE static inline F silu(const F& x) {
  constexpr float kSmallest = -91.8f;  // below, |silu| < 2^-126
  constexpr float kRound =
      12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  constexpr uint32_t kRoundBits = 0x4B400000;  // its bits
  F a = -x;
  a = a > 92.0f ? F{} + 92.0f : a;
  a = a < -80.0f ? F{} - 80.0f : a;
  const F shifted = a * 1.44269504f + kRound;
  const F n = shifted - kRound;
  // ln 2 in two parts keeps the remainder exact.
  const F r = (a - n * 0.693359375f) + n * 2.12194440e-4f;
  // e^92 is beyond float32: numerator and denominator are scaled by 2^-6 where x < 0.
  const I bias = x < 0.0f ? I{} + 121u : I{} + 127u;
  const F one = reinterpret<F>(bias << 23);
  const F power = reinterpret<F>((reinterpret<I>(shifted) - kRoundBits + bias) << 23);
  const F y = x / (one + exp_near_zero(r) * power) * one;
  return x < kSmallest ? F{} : y;
}

template <class F>
TENFOLD_HOST_DEVICE static inline F modulated(const F& scale, const F& scale_bias,
                                              const F& source_term) {
  return (scale + scale_bias) * source_term;
}

}  // namespace tenfold::kernels::TENFOLD_ISA
