#define TENFOLD_ISA avx2
#include "common/kernels/rate_rnn_isa.h"
#include "common/kernels/rate_rnn_rows.h"

namespace tenfold::kernels {

const RateRnnTable kRateRnnAvx2 = {avx2::rate_rnn, avx2::rate_rnn_backward,
                                   avx2::rate_rnn_weight_gradient, avx2::rate_rnn_bias_gradient};

}  // namespace tenfold::kernels
