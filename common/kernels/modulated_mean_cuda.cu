#include "common/kernels/blocks_cuda.h"
#include "common/kernels/modulated_mean_launch.h"

namespace tenfold::kernels {

template <class T>
void modulated_mean_cuda(const EdgeView<T>& v, T* out, void* stream) {
  launch("modulated_mean", sum_over_edges(v, MeanOfNode<T>{{v}, out}), stream);
}

template <class T>
void modulated_mean_backward_cuda(const EdgeView<T>& v, const T* grad,
                                  const ModulatedMeanGradient<T>& to, void* stream) {
  launch("modulated_mean backward",
         sum_over_edges(v, GradientIntoNode<T>{{v}, grad, to.target_term, to.modulator}), stream);
  launch("modulated_mean backward",
         sum_over_edges(v, GradientOutOfNode<T>{v, grad, to.source_term}), stream);
}

template void modulated_mean_cuda(const EdgeView<float>&, float*, void*);
template void modulated_mean_cuda(const EdgeView<double>&, double*, void*);
template void modulated_mean_backward_cuda(const EdgeView<float>&, const float*,
                                           const ModulatedMeanGradient<float>&, void*);
template void modulated_mean_backward_cuda(const EdgeView<double>&, const double*,
                                           const ModulatedMeanGradient<double>&, void*);

}  // namespace tenfold::kernels
