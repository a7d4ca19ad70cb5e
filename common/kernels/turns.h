// Turns by the angles of rotary embeddings, on the CPU.
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

// Cosine and sine of time * frequency, a product in float64, to `to` [times, pairs, 2]: within
// 1e-11 before they are rounded, for |angle| < 1e8, and exactly (1, 0) for frequency 0.
void turns(const double* times, int64_t count, const float* frequencies, int64_t pairs, float* to);

}  // namespace tenfold::kernels
