#define TENFOLD_ISA avx2
#include "common/kernels/bias_gradient_isa.h"
#include "common/kernels/bias_gradient_rows.h"

namespace tenfold::kernels {

const BiasGradientTable kBiasGradientAvx2 = {avx2::relu_readout, avx2::relu_readout_sums,
                                             avx2::relu_readout_bias_gradients};

}  // namespace tenfold::kernels
