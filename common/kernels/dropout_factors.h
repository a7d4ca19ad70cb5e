// What dropout multiplies elements with, for kernels that drop on their way. Compiled once for
// every instruction set.
#pragma once

#include "common/kernels/philox_fill.h"
#include "common/kernels/small_product.h"

namespace tenfold::kernels::TENFOLD_ISA {

using Lanes = Vector<int32_t>;

// 0 with probability `rate` (in steps of 2^-16), else 1 / (1 - rate).
class DropoutFactors {
 public:
  DropoutFactors(double rate, const std::array<uint32_t, 2>& key)
      : key_(key), limit_(uint32_t(rate * 65536)), scale_(65536.0f / float(65536 - limit_)) {}

  bool on() const { return limit_ > 0; }

  // Those of draws first .. first + count - 1, where draw n belongs to block n / 8 of Philox;
  // returns where they begin in `room`, which holds `floats(count)`. Whole vectors can be read.
  const float* fill(uint64_t first, int64_t count, float* room) const {
    const uint32_t limit = limit_;
    const float scale = scale_;
    const int64_t skipped = int64_t(first % 8);
    for (int64_t j = 0; j < skipped + count; j += kDraws) {
      uint32_t words[4 * kPhiloxGroup];
      philox_fill(first / 8 + uint64_t(j / 8), key_, words);
      uint16_t draws[kDraws];
      __builtin_memcpy(draws, words, sizeof draws);
      for (int64_t n = 0; n < kDraws; ++n) room[j + n] = draws[n] < limit ? 0.0f : scale;
    }
    return room + skipped;
  }
  // Bit n % 32 of kept[n / 32] is set where draw first + n keeps its element, for a first draw that
  // begins a group; writes whole groups: `words(count)`.
  void fill_bits(uint64_t first, int64_t count, uint32_t* kept) const {
    const uint32_t limit = limit_;
    for (int64_t j = 0; j < count; j += kDraws) {
      uint32_t words[4 * kPhiloxGroup];
      philox_fill(first / 8 + uint64_t(j / 8), key_, words);
      for (int64_t n = 0; n < kDraws; n += 32) *kept++ = bits_of(words + n / 2, limit);
    }
  }
  static int64_t words(int64_t count) { return round_up(count, kDraws) / 32; }

  // Factors of as many elements as a vector has, from bit number n on, a multiple of that.
  Floats factors(const uint32_t* kept, int64_t n) const {
    const Lanes bit = load(kBits + n % 32);
    return ((bit & int32_t(kept[n / 32])) != 0) ? Floats{} + scale_ : Floats{};
  }

  static int64_t floats(int64_t count) { return round_up(count + 7 + kFloatLanes, kDraws); }

 private:
  static constexpr int64_t kDraws = 8 * kPhiloxGroup;  // two a word

  alignas(64) static constexpr int32_t kBits[32] = {
      1 << 0,  1 << 1,  1 << 2,  1 << 3,  1 << 4,  1 << 5,  1 << 6,  1 << 7,
      1 << 8,  1 << 9,  1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15,
      1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22, 1 << 23,
      1 << 24, 1 << 25, 1 << 26, 1 << 27, 1 << 28, 1 << 29, 1 << 30, INT32_MIN};

  // Bit n is set where the n-th of 32 draws, two a word, is at least `limit`.
  static uint32_t bits_of(const uint32_t* words, uint32_t limit) {
    const __m256i all = _mm256_set1_epi16(int16_t(limit));
    const auto at = [&](int64_t i) {
      const __m256i draws = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words + i));
      return _mm256_cmpeq_epi16(_mm256_max_epu16(draws, all), draws);
    };
    const __m256i packed = _mm256_packs_epi16(at(0), at(8));
    return uint32_t(_mm256_movemask_epi8(_mm256_permute4x64_epi64(packed, 0xD8)));
  }

  std::array<uint32_t, 2> key_;
  uint32_t limit_;
  float scale_;
};

}  // namespace tenfold::kernels::TENFOLD_ISA
