// geglu.h on the device: a thread takes one element.
#pragma once

#include <math.h>

#include "common/kernels/blocks.h"

namespace tenfold::kernels {

// Without d_out: out = value * gelu(gate), [rows, width]; with it, out is the gradient of hidden
// [rows, 2 * width].
struct GegluBlocks {
  static constexpr int kPhases = 1;
  int64_t rows, width;
  const float *hidden, *d_out;
  float* out;

  int64_t blocks() const { return divide_up(rows * width, kMaxThreads); }
  int threads() const { return kMaxThreads; }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const int64_t i = at.block * kMaxThreads + at.thread;
    if (i >= rows * width) return;
    const int64_t value_at = i / width * 2 * width + i % width;
    const float value = constant(hidden + value_at), gate = constant(hidden + value_at + width);
    const float share = 0.5f * erfcf(gate * -0.70710678118654752f);
    if (d_out == nullptr) {
      out[i] = value * (gate * share);
      return;
    }
    const float slope = constant(d_out + i),
                density = expf(gate * gate * -0.5f) * 0.39894228040143268f;
    out[value_at] = slope * (gate * share);
    out[value_at + width] = slope * value * (share + gate * density);
  }
};

}  // namespace tenfold::kernels
