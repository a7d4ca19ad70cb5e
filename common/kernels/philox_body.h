// Philox4x32-10 (common/core/philox.h) and the draws of dropout, one block at a time, for host and
// device: the same as those of philox_fill.h and dropout.h.
#pragma once

#include <stdint.h>

#include <array>

#include "common/kernels/host_device.h"

namespace tenfold::kernels {

struct PhiloxWords {
  uint32_t word[4];
};

// The block of counter {block, 0}.
TENFOLD_HOST_DEVICE inline PhiloxWords philox_block(uint64_t block, uint32_t key0, uint32_t key1) {
  uint32_t c0 = static_cast<uint32_t>(block), c1 = static_cast<uint32_t>(block >> 32), c2 = 0,
           c3 = 0;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = static_cast<uint64_t>(c0) * 0xD2511F53u,
                   p1 = static_cast<uint64_t>(c2) * 0xCD9E8D57u;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ key0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ key1;
    c3 = static_cast<uint32_t>(p0);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

// A draw is half a word, so that a block serves eight elements.
struct DropoutDraws {
  uint32_t key0, key1, limit;
  float scale;  // of what is left

  TENFOLD_HOST_DEVICE bool on() const { return limit > 0; }

  // Of element n, counted from the block `first`, and its neighbours.
  TENFOLD_HOST_DEVICE PhiloxWords block_of(uint64_t first, int64_t n) const {
    return philox_block(first + static_cast<uint64_t>(n / 8), key0, key1);
  }
  TENFOLD_HOST_DEVICE bool drops(const PhiloxWords& words, int64_t n) const {
    const int half = static_cast<int>(n % 8);
    return (words.word[half / 2] >> (16 * (half % 2)) & 0xFFFF) < limit;
  }
};

inline DropoutDraws dropout_draws(double rate, const std::array<uint32_t, 2>& key) {
  const auto limit = static_cast<uint32_t>(rate * 65536);
  return {key[0], key[1], limit, 65536.0f / static_cast<float>(65536 - limit)};
}

}  // namespace tenfold::kernels
