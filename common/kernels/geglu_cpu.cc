#include "common/kernels/geglu.h"

#define TENFOLD_ISA avx2
#include "common/kernels/geglu_gate.h"

namespace tenfold::kernels {
using namespace avx2;

void geglu(int64_t rows, int64_t width, const float* hidden, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *value = hidden + r * 2 * width, *gate = value + width;
    float* to = out + r * width;
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats g = at.get(gate + j);
      at.set(to + j, at.get(value + j) * (g * share_of(g)));
    });
  }
}

void geglu_backward(int64_t rows, int64_t width, const float* hidden, const float* d_out,
                    float* d_hidden) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *value = hidden + r * 2 * width, *gate = value + width, *d = d_out + r * width;
    float *d_value = d_hidden + r * 2 * width, *d_gate = d_value + width;
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats g = at.get(gate + j), share = share_of(g), slope = at.get(d + j);
      at.set(d_value + j, slope * (g * share));
      at.set(d_gate + j, slope * at.get(value + j) * gate_slope(g, share));
    });
  }
}

}  // namespace tenfold::kernels
