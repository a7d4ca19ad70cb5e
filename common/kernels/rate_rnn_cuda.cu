#include "common/kernels/blocks_cuda.h"
#include "common/kernels/rate_rnn_cuda.h"

namespace tenfold::kernels {

void rate_rnn_cuda(const RateRnnNetworks<float>& networks, float* states, float* slopes,
                   void* stream) {
  launch("rate_rnn", RateRnnForwardBlocks<float>{networks, states, slopes}, stream);
}

void rate_rnn_backward_cuda(const RateRnnNetworks<float>& networks, const float* slopes,
                            float* d_states, float* d_start, void* stream) {
  launch("rate_rnn backward", RateRnnBackwardBlocks<float>{networks, slopes, d_states, d_start},
         stream);
}

void rate_rnn_gradient_cuda(const RateRnnNetworks<float>& networks, const float* states,
                            const float* d_u, float* d_weight, float* d_bias, void* stream) {
  launch("rate_rnn gradient", RateRnnGradientBlocks<float>{networks, states, d_u, d_weight, d_bias},
         stream);
}

}  // namespace tenfold::kernels
