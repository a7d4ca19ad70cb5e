#include "common/kernels/bias_gradient_cuda.h"
#include "common/kernels/blocks_cuda.h"

namespace tenfold::kernels {

void relu_readout_bias_gradients_cuda(const BiasModels<float>& models, float* d,
                                      float* image_losses, float* gradient, float* losses,
                                      void* stream) {
  launch("bias_gradient loss", ReluReadoutLossBlocks<float>{models, d, image_losses}, stream);
  launch("bias_gradient", BiasGradientBlocks<float>{models, d, image_losses, gradient, losses},
         stream);
}

}  // namespace tenfold::kernels
