#define TENFOLD_ISA avx512
#include "common/kernels/rate_rnn_isa.h"
#include "common/kernels/rate_rnn_rows.h"

namespace tenfold::kernels {

const RateRnnTable kRateRnnAvx512 = {avx512::rate_rnn, avx512::rate_rnn_backward,
                                     avx512::rate_rnn_weight_gradient,
                                     avx512::rate_rnn_bias_gradient};

}  // namespace tenfold::kernels
