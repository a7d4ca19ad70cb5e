#include "common/core/error.h"
#include "common/kernels/modulated_mean_launch.h"

namespace tenfold::kernels {
namespace {

[[noreturn]] void refuse() {
  throw Unavailable("modulated_mean on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace

template <class T>
void modulated_mean_cuda(const EdgeView<T>&, T*, void*) {
  refuse();
}

template <class T>
void modulated_mean_backward_cuda(const EdgeView<T>&, const T*, const ModulatedMeanGradient<T>&,
                                  void*) {
  refuse();
}

template void modulated_mean_cuda(const EdgeView<float>&, float*, void*);
template void modulated_mean_cuda(const EdgeView<double>&, double*, void*);
template void modulated_mean_backward_cuda(const EdgeView<float>&, const float*,
                                           const ModulatedMeanGradient<float>&, void*);
template void modulated_mean_backward_cuda(const EdgeView<double>&, const double*,
                                           const ModulatedMeanGradient<double>&, void*);

}  // namespace tenfold::kernels
