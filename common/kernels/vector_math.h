// exp, softplus and sigmoid for a vector of columns (simd.h), in float32 and float64. NaN stays
// NaN; float32 results end at about 2^-126 and 2^127.
#pragma once

#include <immintrin.h>

#include "common/kernels/edge_tile_body.h"
#include "common/kernels/simd.h"

namespace tenfold::kernels::TENFOLD_ISA {

using Floats = Vector<float>;
using Doubles = Vector<double>;
using Bits = Vector<uint32_t>;

constexpr double kLog2OfE = 1.4426950408889634, kLn2 = 0.6931471805599453;

// While one lives, subnormal results are 0: on some processors each of them costs over a hundred
// cycles, and a state that decays passes through them.
class FlushSubnormals {
 public:
  FlushSubnormals() : before_(__builtin_ia32_stmxcsr()) {
    __builtin_ia32_ldmxcsr(before_ | kFlushToZero | kSubnormalsAreZero);
  }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;
  ~FlushSubnormals() { __builtin_ia32_ldmxcsr(before_); }

 private:
  static constexpr unsigned kFlushToZero = 0x8000, kSubnormalsAreZero = 0x40;
  unsigned before_;
};

// Where one of the two is NaN, the second.
static inline Floats larger(const Floats& a, const Floats& b) {
#if defined(__AVX512F__)
  return _mm512_maskz_max_ps(0xFFFF, a, b);  // GCC warns within the plain one
#else
  return _mm256_max_ps(a, b);
#endif
}

static inline Floats smaller(const Floats& a, const Floats& b) {
#if defined(__AVX512F__)
  return _mm512_maskz_min_ps(0xFFFF, a, b);
#else
  return _mm256_min_ps(a, b);
#endif
}

constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits

// 2^x for x <= 127, relative error below 2 ulp. The polynomial is the minimax one among those that
// are exact at 0: a decay near 1 is multiplied a thousand times.
static inline Floats exp2_of(const Floats& x) {
  const Floats a = larger(Floats{} - 126.0f, x);
  const Floats shifted = a + kRound;
  const Floats r = a - (shifted - kRound);
  Floats p = r * 0x1.41fbbap-13f + 0x1.5f3e54p-10f;
  p = p * r + 0x1.3b2d4cp-7f;
  p = p * r + 0x1.c6aee8p-5f;
  p = p * r + 0x1.ebfbdcp-3f;
  p = p * r + 0x1.62e430p-1f;
  p = p * r + 1.0f;
  return reinterpret<Floats>(reinterpret<Bits>(p) + (reinterpret<Bits>(shifted) << 23));
}

// e^x, relative error below 2 ulp.
static inline Floats exp_of(const Floats& x) {
  const Floats a = smaller(Floats{} + 88.3f, larger(Floats{} - 87.3f, x));
  const Floats shifted = a * float(kLog2OfE) + kRound;
  const Floats n = shifted - kRound;
  // ln 2 in two parts keeps the remainder exact.
  const Floats p = exp_near_zero<Floats>((a - n * 0.693359375f) + n * 2.12194440e-4f);
  return reinterpret<Floats>(reinterpret<Bits>(p) + (reinterpret<Bits>(shifted) << 23));
}

// log(1 + e) for 0 <= e <= 1: 2 atanh(e / (2 + e)), so that the relative error stays below 3 ulp.
static inline Floats log1p_of(const Floats& e) {
  const Floats s = e / (e + 2.0f), w = s * s;
  Floats p = w * (2.0f / 13) + 2.0f / 11;
  p = p * w + 2.0f / 9;
  p = p * w + 2.0f / 7;
  p = p * w + 2.0f / 5;
  p = p * w + 2.0f / 3;
  return p * w * s + (s + s);
}

// Float64 serves the tests: lane by lane.
template <class Function>
static inline Doubles by_lane(Doubles x, const Function& function) {
  for (int64_t i = 0; i < VectorOf<double>::kLanes; ++i) x[i] = function(x[i]);
  return x;
}

static inline Doubles exp2_of(const Doubles& x) {
  return by_lane(x, [](double lane) { return __builtin_exp2(lane); });
}
static inline Doubles exp_of(const Doubles& x) {
  return by_lane(x, [](double lane) { return __builtin_exp(lane); });
}
static inline Doubles log1p_of(const Doubles& e) {
  return by_lane(e, [](double lane) { return __builtin_log1p(lane); });
}

template <class V>
struct Softplus {
  V value, slope;  // log(1 + e^x) and its derivative, the sigmoid of x
};

template <class V>
static inline Softplus<V> softplus(const V& x) {
  const V zero = {};
  const V e = exp_of(x < zero ? x : -x);
  const V reciprocal = 1 / (1 + e);
  return {(x > zero ? x : zero) + log1p_of(e), x < zero ? e * reciprocal : reciprocal};
}

template <class V>
static inline V sigmoid(const V& x) {
  return 1 / (1 + exp_of(-x));
}

// The sum of the lanes, by halves.
template <class T>
static inline T sum_of_lanes(const Vector<T>& v) {
  T lanes[VectorOf<T>::kLanes];
  store(lanes, v);
  for (int64_t half = VectorOf<T>::kLanes / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

}  // namespace tenfold::kernels::TENFOLD_ISA
