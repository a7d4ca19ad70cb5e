#define TENFOLD_ISA avx2
#include "common/kernels/edge_linear_rows.h"

namespace tenfold::kernels {

const EdgeLinearTable kEdgeLinearAvx2 = {avx2::kLanes, avx2::linear, avx2::linear_silu,
                                         avx2::linear_modulate_sum};

}  // namespace tenfold::kernels
