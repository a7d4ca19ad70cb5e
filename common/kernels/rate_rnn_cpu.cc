#include "common/kernels/isa.h"
#include "common/kernels/rate_rnn.h"
#include "common/kernels/rate_rnn_isa.h"

namespace tenfold::kernels {
namespace {

// One sample takes as long as reading W does: eight columns of nothing count (100 units, 200 steps
// both ways and the gradient: 167 us, with AVX2 154).
const RateRnnTable& table(const RateRnnShape& s) {
  const bool half_empty = (s.units + 15) / 16 * 16 - s.units >= 8;
  return use_avx512() && !(s.batch == 1 && half_empty) ? kRateRnnAvx512 : kRateRnnAvx2;
}

}  // namespace

void rate_rnn(const RateRnnShape& shape, const RateRnnInput& input, float* states, float* slopes) {
  table(shape).forward(shape, input, states, slopes);
}

void rate_rnn_backward(const RateRnnShape& shape, const RateRnnInput& input, const float* slopes,
                       float* d_states, float* d_start) {
  table(shape).backward(shape, input, slopes, d_states, d_start);
}

void rate_rnn_weight_gradient(const RateRnnShape& shape, const RateRnnInput& input,
                              const float* states, const float* d_u, float* d_weight) {
  table(shape).weight_gradient(shape, input, states, d_u, d_weight);
}

void rate_rnn_bias_gradient(const RateRnnShape& shape, const float* d_u, float* d_bias) {
  table(shape).bias_gradient(shape, d_u, d_bias);
}

}  // namespace tenfold::kernels
