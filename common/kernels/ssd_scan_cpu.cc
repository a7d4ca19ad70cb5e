#include "common/kernels/isa.h"
#include "common/kernels/scan_sums.h"
#include "common/kernels/ssd_scan_isa.h"
#include "common/kernels/workspace.h"

namespace tenfold::kernels {
namespace {

const SsdScanTable<float>& table(float) { return use_avx512() ? kSsdScanAvx512 : kSsdScanAvx2; }

const SsdScanTable<double>& table(double) {
  return use_avx512() ? kSsdScanAvx512Double : kSsdScanAvx2Double;
}

}  // namespace

template <class T>
void ssd_scan_cpu(const SsdScanView<T>& v, const SsdScanScratch<T>& scratch, int64_t first,
                  int64_t end, T* out) {
  const Workspace<T> workspace(plan_of(v).workspace());
  for (int64_t i = first; i < end; ++i) table(T()).forward(v, scratch, i, out, workspace.data());
}

template <class T>
void ssd_scan_backward_cpu(const SsdScanView<T>& v, const SsdScanScratch<T>& scratch, int64_t first,
                           int64_t end, const StridedRows<T>& grad, const SsdScanGradient<T>& to) {
  const Workspace<T> workspace(plan_of(v).workspace());
  for (int64_t i = first; i < end; ++i) {
    table(T()).backward(v, scratch, i, grad, to, workspace.data());
  }
}

template <class T>
void ssd_scan_sum_sequences(const SsdScanView<T>& v, const T* sequence_sums,
                            const SsdScanGradient<T>& to) {
  T* const into[] = {to.a, to.d, to.dt_bias};
  for (int64_t i = 0; i < 3 * v.heads; ++i) {
    double total = 0;
    for (int64_t s = 0; s < v.batch; ++s) total += double(sequence_sums[s * 3 * v.heads + i]);
    into[i / v.heads][i % v.heads] = T(total);
  }
}

template <class T>
void ssd_scan_sum_blocks(const SsdScanView<T>& v, const T* block_sums, int64_t first, int64_t end,
                         const SsdScanGradient<T>& to) {
  add_blocks(block_sums, plan_of(v).blocks(), v.batch * v.time * v.states, first * v.states,
             end * v.states, to.b, to.c);
}

#define TENFOLD_INSTANTIATE(T)                                                                    \
  template void ssd_scan_cpu(const SsdScanView<T>&, const SsdScanScratch<T>&, int64_t, int64_t,   \
                             T*);                                                                 \
  template void ssd_scan_backward_cpu(const SsdScanView<T>&, const SsdScanScratch<T>&, int64_t,   \
                                      int64_t, const StridedRows<T>&, const SsdScanGradient<T>&); \
  template void ssd_scan_sum_sequences(const SsdScanView<T>&, const T*,                           \
                                       const SsdScanGradient<T>&);                                \
  template void ssd_scan_sum_blocks(const SsdScanView<T>&, const T*, int64_t, int64_t,            \
                                    const SsdScanGradient<T>&);

TENFOLD_INSTANTIATE(float)
TENFOLD_INSTANTIATE(double)

}  // namespace tenfold::kernels
