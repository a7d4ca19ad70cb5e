#include <cstddef>
#include <vector>

#include "common/kernels/isa.h"
#include "common/kernels/scan_sums.h"
#include "common/kernels/selective_scan_isa.h"
#include "common/kernels/workspace.h"

namespace tenfold::kernels {
namespace {

constexpr double kLog2OfE = 1.4426950408889634;

const SelectiveScanTable<float>& table(float) {
  return use_avx512() ? kSelectiveScanAvx512 : kSelectiveScanAvx2;
}

const SelectiveScanTable<double>& table(double) {
  return use_avx512() ? kSelectiveScanAvx512Double : kSelectiveScanAvx2Double;
}

}  // namespace

template <class T>
void selective_scan_prepare(const SelectiveScanView<T>& v, T* rates) {
  const int64_t padded = plan_of(v).padded();
  for (int64_t n = 0; n < v.states; ++n) {
    T* row = rates + n * padded;
    // Powers of two are cheaper than powers of e.
    for (int64_t i = 0; i < v.channels; ++i) row[i] = v.a[i * v.states + n] * T(kLog2OfE);
    for (int64_t i = v.channels; i < padded; ++i) row[i] = 0;
  }
}

template <class T>
void selective_scan_cpu(const SelectiveScanView<T>& v, const SelectiveScanScratch<T>& scratch,
                        int64_t first, int64_t end, T* out) {
  const Workspace<T> workspace(plan_of(v).workspace());
  for (int64_t i = first; i < end; ++i) {
    table(T()).forward(v, scratch, i, out, workspace.data());
  }
}

template <class T>
void selective_scan_backward_cpu(const SelectiveScanView<T>& v,
                                 const SelectiveScanScratch<T>& scratch, int64_t first, int64_t end,
                                 const StridedRows<T>& grad, const SelectiveScanGradient<T>& to) {
  const Workspace<T> workspace(plan_of(v).workspace());
  for (int64_t i = first; i < end; ++i) {
    table(T()).backward(v, scratch, i, grad, to, workspace.data());
  }
}

template <class T>
void selective_scan_sum_sequences(const SelectiveScanView<T>& v, const T* sequence_sums,
                                  int64_t first, int64_t end, const SelectiveScanGradient<T>& to) {
  const SelectiveScanPlan plan = plan_of(v);
  std::vector<double> total(static_cast<size_t>(v.channels));
  for (int64_t row = first; row < end; ++row) {
    total.assign(total.size(), 0.0);
    for (int64_t s = 0; s < v.batch; ++s) {
      const T* from = sequence_sums + (s * plan.sequence_rows() + row) * plan.padded();
      for (int64_t i = 0; i < v.channels; ++i) total[size_t(i)] += double(from[i]);
    }
    const bool of_a = row < v.states;
    T* into = of_a ? to.a + row : row == v.states ? to.d : to.dt_bias;
    const int64_t stride = of_a ? v.states : 1;
    for (int64_t i = 0; i < v.channels; ++i) into[i * stride] = T(total[size_t(i)]);
  }
}

template <class T>
void selective_scan_sum_blocks(const SelectiveScanView<T>& v, const T* block_sums, int64_t first,
                               int64_t end, const SelectiveScanGradient<T>& to) {
  add_blocks(block_sums, plan_of(v).blocks(), v.batch * v.time * v.states, first * v.states,
             end * v.states, to.b, to.c);
}

#define TENFOLD_INSTANTIATE(T)                                                                     \
  template void selective_scan_prepare(const SelectiveScanView<T>&, T*);                           \
  template void selective_scan_cpu(const SelectiveScanView<T>&, const SelectiveScanScratch<T>&,    \
                                   int64_t, int64_t, T*);                                          \
  template void selective_scan_backward_cpu(                                                       \
      const SelectiveScanView<T>&, const SelectiveScanScratch<T>&, int64_t, int64_t,               \
      const StridedRows<T>&, const SelectiveScanGradient<T>&);                                     \
  template void selective_scan_sum_sequences(const SelectiveScanView<T>&, const T*, int64_t,       \
                                             int64_t, const SelectiveScanGradient<T>&);            \
  template void selective_scan_sum_blocks(const SelectiveScanView<T>&, const T*, int64_t, int64_t, \
                                          const SelectiveScanGradient<T>&);

TENFOLD_INSTANTIATE(float)
TENFOLD_INSTANTIATE(double)

}  // namespace tenfold::kernels
