// rate_rnn.h on device memory, many networks at once (rate_rnn_blocks.h says their layout). All are
// queued on `stream` (a cudaStream_t; nullptr is the default stream) and throw Unavailable in a
// CPU-only build or when the device refuses the launch. Repeated calls give the same bytes.
#pragma once

#include "common/kernels/rate_rnn_blocks.h"

namespace tenfold::kernels {

void rate_rnn_cuda(const RateRnnNetworks<float>& networks, float* states, float* slopes,
                   void* stream);
void rate_rnn_backward_cuda(const RateRnnNetworks<float>& networks, const float* slopes,
                            float* d_states, float* d_start, void* stream);
void rate_rnn_gradient_cuda(const RateRnnNetworks<float>& networks, const float* states,
                            const float* d_u, float* d_weight, float* d_bias, void* stream);

}  // namespace tenfold::kernels
