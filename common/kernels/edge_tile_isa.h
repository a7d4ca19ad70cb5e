// One table of functions for each instruction set; internal to edge_tile.
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

struct EdgeTileTable {
  const char* name;
  void (*gather_add_silu)(float*, const float*, const float*, const int32_t*, const int32_t*,
                          int64_t, int64_t);
  void (*gather_modulate_sum)(const float*, const float*, const float*, const int32_t*,
                              const int32_t*, float*, int64_t, int64_t);
  void (*segment_sum)(const float*, const int32_t*, float*, int64_t, int64_t);
  void (*bias_silu)(float*, const float*, int64_t, int64_t);
};

extern const EdgeTileTable kEdgeTileAvx2, kEdgeTileAvx512;

}  // namespace tenfold::kernels
