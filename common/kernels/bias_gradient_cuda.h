// bias_gradient.h on device memory (bias_gradient_blocks.h says the layout). Queued on `stream` (a
// cudaStream_t; nullptr is the default stream); throws Unavailable in a CPU-only build or when the
// device refuses the launch. Repeated calls give the same bytes.
#pragma once

#include "common/kernels/bias_gradient_blocks.h"

namespace tenfold::kernels {

// d [models, images, classes] and image_losses [models, images] are filled on the way.
void relu_readout_bias_gradients_cuda(const BiasModels<float>& models, float* d,
                                      float* image_losses, float* gradient, float* losses,
                                      void* stream);

}  // namespace tenfold::kernels
