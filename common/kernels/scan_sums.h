// Adding up on the host what blocks of channels left of the gradients of b and c.
#pragma once

#include <cstdint>

namespace tenfold::kernels {

// sums [blocks, 2, entries]; into entries first <= i < end of b and c, block after block.
template <class T>
void add_blocks(const T* sums, int64_t blocks, int64_t entries, int64_t first, int64_t end, T* b,
                T* c) {
  T* const into[] = {b, c};
  for (int which = 0; which < 2; ++which) {
    T* out = into[which];
    for (int64_t block = 0; block < blocks; ++block) {
      const T* from = sums + (block * 2 + which) * entries;
      for (int64_t i = first; i < end; ++i) out[i] = block == 0 ? from[i] : out[i] + from[i];
    }
  }
}

}  // namespace tenfold::kernels
