#include "common/core/error.h"
#include "common/kernels/bias_gradient_cuda.h"

namespace tenfold::kernels {

void relu_readout_bias_gradients_cuda(const BiasModels<float>&, float*, float*, float*, float*,
                                      void*) {
  throw Unavailable("bias_gradient on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace tenfold::kernels
