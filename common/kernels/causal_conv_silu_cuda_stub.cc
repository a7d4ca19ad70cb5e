#include "common/core/error.h"
#include "common/kernels/causal_conv_silu_launch.h"

namespace tenfold::kernels {
namespace {

[[noreturn]] void refuse() {
  throw Unavailable("causal_conv_silu on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace

template <class T>
void causal_conv_cuda(const CausalConvView<T>&, T*, void*) {
  refuse();
}

template <class T>
void causal_conv_backward_cuda(const CausalConvView<T>&, const StridedRows<T>&,
                               const CausalConvGradient<T>&, T*, void*) {
  refuse();
}

template void causal_conv_cuda(const CausalConvView<float>&, float*, void*);
template void causal_conv_cuda(const CausalConvView<double>&, double*, void*);
template void causal_conv_backward_cuda(const CausalConvView<float>&, const StridedRows<float>&,
                                        const CausalConvGradient<float>&, float*, void*);
template void causal_conv_backward_cuda(const CausalConvView<double>&, const StridedRows<double>&,
                                        const CausalConvGradient<double>&, double*, void*);

}  // namespace tenfold::kernels
