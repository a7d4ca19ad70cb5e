// One table of functions for each instruction set; internal to edge_linear.
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

struct LinearCall {
  const float* x;       // [tile, in]
  const float* panels;  // PackedMatrix
  int64_t tile, in, out;
  // Terms: row index[r] of the table, or row 0.
  int num_terms;
  const float* table[3];
  const int32_t* index[3];
};

struct EdgeLinearTable {
  int64_t lanes;  // columns of a panel are 2 * lanes, of a narrow last one `lanes`
  void (*linear)(const LinearCall&, float* y);
  void (*linear_silu)(const LinearCall&, float* y);
  void (*linear_modulate_sum)(const LinearCall&, const float* source_term, const int32_t* source,
                              const int32_t* target, float* sum);
};

extern const EdgeLinearTable kEdgeLinearAvx2, kEdgeLinearAvx512;

}  // namespace tenfold::kernels
