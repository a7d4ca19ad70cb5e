#define TENFOLD_ISA avx2
#include "common/kernels/edge_tile_isa.h"
#include "common/kernels/edge_tile_rows.h"

namespace tenfold::kernels {

const EdgeTileTable kEdgeTileAvx2 = {"avx2", avx2::gather_add_silu, avx2::gather_modulate_sum,
                                     avx2::segment_sum, avx2::bias_silu};

}  // namespace tenfold::kernels
