// One table of functions for each instruction set; internal to bias_gradient.
#pragma once

#include "common/kernels/bias_gradient.h"

namespace tenfold::kernels {

struct BiasGradientTable {
  decltype(&relu_readout) readout;
  decltype(&relu_readout_sums) sums;
  decltype(&relu_readout_bias_gradients) bias_gradients;
};

extern const BiasGradientTable kBiasGradientAvx2, kBiasGradientAvx512;

}  // namespace tenfold::kernels
