// Vectors of T as wide as the instruction set has them (GCC and Clang vector extensions), host
// only.
#pragma once

#include <immintrin.h>
#include <stdint.h>

#include "common/kernels/host_device.h"

namespace tenfold::kernels::TENFOLD_ISA {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#else
constexpr int kVectorBytes = 32;
#endif

template <class T>
struct VectorOf {
  typedef T Type __attribute__((vector_size(kVectorBytes)));
  static constexpr int64_t kLanes = kVectorBytes / sizeof(T);
};

template <class T>
using Vector = typename VectorOf<T>::Type;

template <class T>
static inline Vector<T> load(const T* from) {
  Vector<T> v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <class T>
static inline void store(T* to, const Vector<T>& v) {
  __builtin_memcpy(to, &v, sizeof v);
}

// The last n < kLanes columns of a row; lanes beyond them are zero and nothing there is touched.
// Not by way of an array: a vector read from where single lanes were just written waits for them.
template <class T>
static inline Vector<T> load_part(const T* from, int64_t n) {
  Vector<T> v;
#if defined(__AVX512F__)
  const auto mask = (uint32_t{1} << n) - 1;
  __m512i lanes;
  if constexpr (sizeof(T) == 8) {
    lanes = _mm512_maskz_loadu_epi64(__mmask8(mask), from);
  } else {
    lanes = _mm512_maskz_loadu_epi32(__mmask16(mask), from);
  }
#else
  __m256i lanes;
  if constexpr (sizeof(T) == 8) {
    static constexpr int64_t kMask[8] = {-1, -1, -1, -1, 0, 0, 0, 0};
    lanes = _mm256_maskload_epi64(reinterpret_cast<const long long*>(from),
                                  reinterpret_cast<__m256i>(load(kMask + 4 - n)));
  } else {
    static constexpr int32_t kMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    lanes = _mm256_maskload_epi32(reinterpret_cast<const int*>(from),
                                  reinterpret_cast<__m256i>(load(kMask + 8 - n)));
  }
#endif
  __builtin_memcpy(&v, &lanes, sizeof v);
  return v;
}

// Halves, quarters, ...: masked stores are slow on some processors.
template <class T>
static inline void store_part(T* to, const Vector<T>& v, int64_t n) {
  T lanes[VectorOf<T>::kLanes];
  store(lanes, v);
  const T* from = lanes;
#pragma GCC unroll 4
  for (int64_t half = VectorOf<T>::kLanes / 2; half > 0; half /= 2) {
    if ((n & half) == 0) continue;
    __builtin_memcpy(to, from, size_t(half) * sizeof(T));
    to += half;
    from += half;
  }
}

// The lanes of a vector put together by `op`, quarters first.
template <class Op>
static inline float across(const Vector<float>& v, const Op& op) {
  typedef float Quad __attribute__((vector_size(16)));
  constexpr int kQuads = kVectorBytes / 16;
  Quad parts[kQuads];
  __builtin_memcpy(parts, &v, sizeof v);
#pragma GCC unroll 4
  for (int i = 1; i < kQuads; ++i) parts[0] = op(parts[0], parts[i]);
  return op(op(parts[0][0], parts[0][1]), op(parts[0][2], parts[0][3]));
}

static inline float sum_of(const Vector<float>& v) {
  return across(v, [](auto a, auto b) { return a + b; });
}

constexpr int kBlock = 4;

template <int n>
struct Count {
  static constexpr int kValue = n;
};

// How a loop over columns reaches memory: whole vectors, then one part at the end of the row.
template <class T>
struct Whole {
  Vector<T> get(const T* from) const { return load(from); }
  void set(T* to, const Vector<T>& v) const { store(to, v); }
};

template <class T>
struct Part {
  int64_t n;
  Vector<T> get(const T* from) const { return load_part(from, n); }
  void set(T* to, const Vector<T>& v) const { store_part(to, v, n); }
};

// Calls body(column, access) for every vector of a row of `width` columns.
template <class T, class Body>
static inline void for_columns(int64_t width, const Body& body) {
  constexpr int64_t kLanes = VectorOf<T>::kLanes;
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) body(i, Whole<T>{});
  if (i < width) body(i, Part<T>{width - i});
}

// The same by blocks of vectors that stay in registers: calls body(column, block, access), where
// block.kValue is the number of vectors.
template <class T, class Body>
static inline void for_column_blocks(int64_t width, const Body& body) {
  constexpr int64_t kLanes = VectorOf<T>::kLanes;
  int64_t i = 0;
  for (; i + kBlock * kLanes <= width; i += kBlock * kLanes) body(i, Count<kBlock>{}, Whole<T>{});
  for (; i + kLanes <= width; i += kLanes) body(i, Count<1>{}, Whole<T>{});
  if (i < width) body(i, Count<1>{}, Part<T>{width - i});
}

}  // namespace tenfold::kernels::TENFOLD_ISA
