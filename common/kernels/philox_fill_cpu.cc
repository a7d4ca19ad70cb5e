#include <immintrin.h>

#include "common/kernels/philox_fill.h"

namespace tenfold::kernels {
namespace {

constexpr uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
constexpr int kVectors = kPhiloxGroup / 4;

__m256i all(uint32_t word) { return _mm256_set1_epi64x(word); }

// The lower halves of both in one lane.
__m256i pair(__m256i low, __m256i high) {
  return _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xAA);
}

}  // namespace

void philox_fill(uint64_t first, std::array<uint32_t, 2> key, uint32_t* out) {
  // A lane holds a word in its lower half; what lies in the upper half never reaches a product.
  __m256i c[4][kVectors];
  for (int v = 0; v < kVectors; ++v) {
    c[0][v] = _mm256_add_epi64(_mm256_set1_epi64x(static_cast<int64_t>(first + 4 * v)),
                               _mm256_set_epi64x(3, 2, 1, 0));
    c[1][v] = _mm256_srli_epi64(c[0][v], 32);
    c[2][v] = c[3][v] = _mm256_setzero_si256();
  }
  for (int round = 0; round < 10; ++round) {
    const __m256i key0 = all(key[0]), key1 = all(key[1]);
    for (int v = 0; v < kVectors; ++v) {
      const __m256i p0 = _mm256_mul_epu32(c[0][v], all(kMultiplier0));
      const __m256i p1 = _mm256_mul_epu32(c[2][v], all(kMultiplier1));
      c[0][v] = _mm256_srli_epi64(p1, 32) ^ c[1][v] ^ key0;
      c[1][v] = p1;
      c[2][v] = _mm256_srli_epi64(p0, 32) ^ c[3][v] ^ key1;
      c[3][v] = p0;
    }
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  for (int v = 0; v < kVectors; ++v) {
    // Words 0 and 1, 2 and 3 of four blocks side by side, then block after block.
    const __m256i low = pair(c[0][v], c[1][v]), high = pair(c[2][v], c[3][v]);
    const __m256i even = _mm256_unpacklo_epi64(low, high), odd = _mm256_unpackhi_epi64(low, high);
    const auto to = reinterpret_cast<__m256i*>(out + 16 * v);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
  }
}

}  // namespace tenfold::kernels
