#include "common/core/error.h"
#include "common/kernels/selective_scan_launch.h"

namespace tenfold::kernels {
namespace {

[[noreturn]] void refuse() {
  throw Unavailable("selective_scan on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace

template <class T>
void selective_scan_cuda(const SelectiveScanView<T>&, T*, T*, void*) {
  refuse();
}

template <class T>
void selective_scan_backward_cuda(const SelectiveScanView<T>&, const T*, T*, const StridedRows<T>&,
                                  const SelectiveScanGradient<T>&, void*) {
  refuse();
}

#define TENFOLD_INSTANTIATE(T)                                                          \
  template void selective_scan_cuda(const SelectiveScanView<T>&, T*, T*, void*);        \
  template void selective_scan_backward_cuda(const SelectiveScanView<T>&, const T*, T*, \
                                             const StridedRows<T>&,                     \
                                             const SelectiveScanGradient<T>&, void*);

TENFOLD_INSTANTIATE(float)
TENFOLD_INSTANTIATE(double)

}  // namespace tenfold::kernels
