// dropout.h on the device: a thread takes the eight elements of one Philox block.
#pragma once

#include "common/kernels/blocks.h"
#include "common/kernels/philox_body.h"

namespace tenfold::kernels {

struct DropoutBlocks {
  static constexpr int kPhases = 1;
  static constexpr int kEach = 8;
  const float *x, *branch;  // x: nullptr where only the branch counts
  DropoutDraws draws;
  int64_t n;
  float* out;

  int64_t blocks() const { return divide_up(n, kEach * kMaxThreads); }
  int threads() const { return kMaxThreads; }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const int64_t first = (at.block * kMaxThreads + at.thread) * kEach;
    if (first >= n) return;
    const PhiloxWords words = draws.block_of(0, first);
#pragma unroll
    for (int k = 0; k < kEach; ++k) {
      const int64_t i = first + k;
      if (i >= n) return;
      const float left = draws.drops(words, k) ? 0.0f : draws.scale;
      out[i] = x == nullptr ? branch[i] * left : x[i] + branch[i] * left;
    }
  }
};

}  // namespace tenfold::kernels
