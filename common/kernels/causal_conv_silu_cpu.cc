#include <cstddef>
#include <vector>

#include "common/kernels/causal_conv_silu_isa.h"
#include "common/kernels/isa.h"

namespace tenfold::kernels {
namespace {

const CausalConvTable<float>& table(float) {
  return use_avx512() ? kCausalConvAvx512 : kCausalConvAvx2;
}

const CausalConvTable<double>& table(double) {
  return use_avx512() ? kCausalConvAvx512Double : kCausalConvAvx2Double;
}

}  // namespace

template <class T>
void causal_conv_prepare(const CausalConvView<T>& v, T* taps) {
  const int64_t padded = plan_of(v).padded();
  for (int64_t k = 0; k < v.width; ++k) {
    for (int64_t i = 0; i < padded; ++i) {
      taps[k * padded + i] = i < v.channels ? v.weight[i * v.width + k] : T(0);
    }
  }
}

template <class T>
void causal_conv_cpu(const CausalConvView<T>& v, const T* taps, int64_t first, int64_t end,
                     T* out) {
  const auto run = table(T()).forward[v.width - 1];
  for (int64_t i = first; i < end; ++i) run(v, taps, i, out);
}

template <class T>
void causal_conv_backward_cpu(const CausalConvView<T>& v, const T* taps, int64_t first, int64_t end,
                              const StridedRows<T>& grad, const CausalConvGradient<T>& to,
                              T* sequence_sums) {
  const auto run = table(T()).backward[v.width - 1];
  for (int64_t i = first; i < end; ++i) run(v, taps, i, grad, to.x, sequence_sums);
}

template <class T>
void causal_conv_sum_sequences(const CausalConvView<T>& v, const T* sequence_sums, int64_t first,
                               int64_t end, const CausalConvGradient<T>& to) {
  const CausalConvPlan plan = plan_of(v);
  std::vector<double> total(static_cast<size_t>(v.channels));
  for (int64_t row = first; row < end; ++row) {
    total.assign(total.size(), 0.0);
    for (int64_t s = 0; s < v.batch; ++s) {
      const T* from = sequence_sums + (s * plan.sequence_rows() + row) * plan.padded();
      for (int64_t i = 0; i < v.channels; ++i) total[size_t(i)] += double(from[i]);
    }
    const bool of_weight = row < v.width;
    T* into = of_weight ? to.weight + row : to.bias;
    const int64_t stride = of_weight ? v.width : 1;
    for (int64_t i = 0; i < v.channels; ++i) into[i * stride] = T(total[size_t(i)]);
  }
}

#define TENFOLD_INSTANTIATE(T)                                                                     \
  template void causal_conv_prepare(const CausalConvView<T>&, T*);                                 \
  template void causal_conv_cpu(const CausalConvView<T>&, const T*, int64_t, int64_t, T*);         \
  template void causal_conv_backward_cpu(const CausalConvView<T>&, const T*, int64_t, int64_t,     \
                                         const StridedRows<T>&, const CausalConvGradient<T>&, T*); \
  template void causal_conv_sum_sequences(const CausalConvView<T>&, const T*, int64_t, int64_t,    \
                                          const CausalConvGradient<T>&);

TENFOLD_INSTANTIATE(float)
TENFOLD_INSTANTIATE(double)

}  // namespace tenfold::kernels
