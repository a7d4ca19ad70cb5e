// One table of functions for each instruction set; internal to rate_rnn.
#pragma once

#include "common/kernels/rate_rnn.h"

namespace tenfold::kernels {

struct RateRnnTable {
  decltype(&rate_rnn) forward;
  decltype(&rate_rnn_backward) backward;
  decltype(&rate_rnn_weight_gradient) weight_gradient;
  decltype(&rate_rnn_bias_gradient) bias_gradient;
};

extern const RateRnnTable kRateRnnAvx2, kRateRnnAvx512;

}  // namespace tenfold::kernels
