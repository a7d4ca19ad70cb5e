// Many blocks of Philox at once: dropout needs one number a unit and point.
#pragma once

#include <array>
#include <cstdint>

namespace tenfold::kernels {

constexpr int64_t kPhiloxGroup = 16;  // blocks

// The words of philox4x32({block, 0}, key) for kPhiloxGroup blocks from `first` on (a 64-bit
// counter), word w of block b at out[4 b + w].
void philox_fill(uint64_t first, std::array<uint32_t, 2> key, uint32_t* out);

}  // namespace tenfold::kernels
