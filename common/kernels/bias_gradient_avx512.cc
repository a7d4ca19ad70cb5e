#define TENFOLD_ISA avx512
#include "common/kernels/bias_gradient_isa.h"
#include "common/kernels/bias_gradient_rows.h"

namespace tenfold::kernels {

const BiasGradientTable kBiasGradientAvx512 = {avx512::relu_readout, avx512::relu_readout_sums,
                                               avx512::relu_readout_bias_gradients};

}  // namespace tenfold::kernels
