#include "common/core/error.h"
#include "common/kernels/ssd_scan_launch.h"

namespace tenfold::kernels {
namespace {

[[noreturn]] void refuse() {
  throw Unavailable("ssd_scan on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace

template <class T>
void ssd_scan_cuda(const SsdScanView<T>&, T*, T*, void*) {
  refuse();
}

template <class T>
void ssd_scan_backward_cuda(const SsdScanView<T>&, const T*, T*, const StridedRows<T>&,
                            const SsdScanGradient<T>&, void*) {
  refuse();
}

#define TENFOLD_INSTANTIATE(T)                                                                     \
  template void ssd_scan_cuda(const SsdScanView<T>&, T*, T*, void*);                               \
  template void ssd_scan_backward_cuda(const SsdScanView<T>&, const T*, T*, const StridedRows<T>&, \
                                       const SsdScanGradient<T>&, void*);

TENFOLD_INSTANTIATE(float)
TENFOLD_INSTANTIATE(double)

}  // namespace tenfold::kernels
