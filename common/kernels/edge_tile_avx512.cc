#define TENFOLD_ISA avx512
#include "common/kernels/edge_tile_isa.h"
#include "common/kernels/edge_tile_rows.h"

namespace tenfold::kernels {

const EdgeTileTable kEdgeTileAvx512 = {"avx512", avx512::gather_add_silu,
                                       avx512::gather_modulate_sum, avx512::segment_sum,
                                       avx512::bias_silu};

}  // namespace tenfold::kernels
