#include "common/kernels/blocks_cuda.h"
#include "common/kernels/selective_scan_blocks.h"

namespace tenfold::kernels {

template <class T>
void selective_scan_cuda(const SelectiveScanView<T>& v, T* starts, T* out, void* stream) {
  selective_scan_by_blocks(v, starts, out,
                           [&](const auto& body) { launch("selective_scan", body, stream); });
}

template <class T>
void selective_scan_backward_cuda(const SelectiveScanView<T>& v, const T* starts, T* scratch,
                                  const StridedRows<T>& grad, const SelectiveScanGradient<T>& to,
                                  void* stream) {
  selective_scan_backward_by_blocks(v, starts, scratch, grad, to, [&](const auto& body) {
    launch("selective_scan backward", body, stream);
  });
}

#define TENFOLD_INSTANTIATE(T)                                                          \
  template void selective_scan_cuda(const SelectiveScanView<T>&, T*, T*, void*);        \
  template void selective_scan_backward_cuda(const SelectiveScanView<T>&, const T*, T*, \
                                             const StridedRows<T>&,                     \
                                             const SelectiveScanGradient<T>&, void*);

TENFOLD_INSTANTIATE(float)
TENFOLD_INSTANTIATE(double)

}  // namespace tenfold::kernels
