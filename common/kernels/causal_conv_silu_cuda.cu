#include "common/kernels/blocks_cuda.h"
#include "common/kernels/causal_conv_silu_blocks.h"

namespace tenfold::kernels {

template <class T>
void causal_conv_cuda(const CausalConvView<T>& v, T* out, void* stream) {
  causal_conv_by_blocks(v, out,
                        [&](const auto& body) { launch("causal_conv_silu", body, stream); });
}

template <class T>
void causal_conv_backward_cuda(const CausalConvView<T>& v, const StridedRows<T>& grad,
                               const CausalConvGradient<T>& to, T* scratch, void* stream) {
  causal_conv_backward_by_blocks(v, grad, to, scratch, [&](const auto& body) {
    launch("causal_conv_silu backward", body, stream);
  });
}

template void causal_conv_cuda(const CausalConvView<float>&, float*, void*);
template void causal_conv_cuda(const CausalConvView<double>&, double*, void*);
template void causal_conv_backward_cuda(const CausalConvView<float>&, const StridedRows<float>&,
                                        const CausalConvGradient<float>&, float*, void*);
template void causal_conv_backward_cuda(const CausalConvView<double>&, const StridedRows<double>&,
                                        const CausalConvGradient<double>&, double*, void*);

}  // namespace tenfold::kernels
