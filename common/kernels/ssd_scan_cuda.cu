#include "common/kernels/blocks_cuda.h"
#include "common/kernels/ssd_scan_blocks.h"

namespace tenfold::kernels {

template <class T>
void ssd_scan_cuda(const SsdScanView<T>& v, T* starts, T* out, void* stream) {
  ssd_scan_by_blocks(v, starts, out, [&](const auto& body) { launch("ssd_scan", body, stream); });
}

template <class T>
void ssd_scan_backward_cuda(const SsdScanView<T>& v, const T* starts, T* scratch,
                            const StridedRows<T>& grad, const SsdScanGradient<T>& to,
                            void* stream) {
  ssd_scan_backward_by_blocks(v, starts, scratch, grad, to,
                              [&](const auto& body) { launch("ssd_scan backward", body, stream); });
}

#define TENFOLD_INSTANTIATE(T)                                                                     \
  template void ssd_scan_cuda(const SsdScanView<T>&, T*, T*, void*);                               \
  template void ssd_scan_backward_cuda(const SsdScanView<T>&, const T*, T*, const StridedRows<T>&, \
                                       const SsdScanGradient<T>&, void*);

TENFOLD_INSTANTIATE(float)
TENFOLD_INSTANTIATE(double)

}  // namespace tenfold::kernels
