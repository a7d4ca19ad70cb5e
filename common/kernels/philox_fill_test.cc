#include "common/kernels/philox_fill.h"

#include <catch2/catch.hpp>

#include "common/core/philox.h"

namespace tenfold::kernels {

TEST_CASE("filled words are those of philox4x32, across the counter's lower half too") {
  const std::array<uint32_t, 2> key = {0x12345678, 0x9abcdef0};
  for (const uint64_t first : {uint64_t{0}, uint64_t{1000}, uint64_t{0xfffffff8}}) {
    uint32_t words[4 * kPhiloxGroup];
    philox_fill(first, key, words);
    for (uint64_t b = 0; b < kPhiloxGroup; ++b) {
      const uint64_t at = first + b;
      const auto expected =
          philox4x32({static_cast<uint32_t>(at), static_cast<uint32_t>(at >> 32), 0, 0}, key);
      for (int w = 0; w < 4; ++w) CHECK(words[4 * b + w] == expected[w]);
    }
  }
}

}  // namespace tenfold::kernels
