#include "common/kernels/isa.h"
#include "common/kernels/rate_rnn.h"
#include "common/kernels/rate_rnn_isa.h"

namespace tenfold::kernels {
namespace {

const RateRnnTable& table() { return use_avx512() ? kRateRnnAvx512 : kRateRnnAvx2; }

}  // namespace

void rate_rnn(const RateRnnShape& shape, const RateRnnInput& input, float* states, float* slopes) {
  table().forward(shape, input, states, slopes);
}

void rate_rnn_backward(const RateRnnShape& shape, const RateRnnInput& input, const float* slopes,
                       float* d_states, float* d_start) {
  table().backward(shape, input, slopes, d_states, d_start);
}

void rate_rnn_weight_gradient(const RateRnnShape& shape, const RateRnnInput& input,
                              const float* states, const float* d_u, float* d_weight) {
  table().weight_gradient(shape, input, states, d_u, d_weight);
}

void rate_rnn_bias_gradient(const RateRnnShape& shape, const float* d_u, float* d_bias) {
  table().bias_gradient(shape, d_u, d_bias);
}

}  // namespace tenfold::kernels
