#define TENFOLD_ISA avx512
#include "common/kernels/edge_linear_rows.h"

namespace tenfold::kernels {

const EdgeLinearTable kEdgeLinearAvx512 = {avx512::kLanes, avx512::linear, avx512::linear_silu,
                                           avx512::linear_modulate_sum};

}  // namespace tenfold::kernels
