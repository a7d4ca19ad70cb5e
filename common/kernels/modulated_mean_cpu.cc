#include "common/kernels/modulated_mean_launch.h"

namespace tenfold::kernels {
namespace {

// Columns are the inner loop here, for vectors; the body's terms are one column, for threads.
template <class T>
void mean_of_node(const EdgeView<T>& v, int64_t node, T* out) {
  const int64_t h = v.width;
  T* __restrict o = out + node * h;
  const T* own = v.target_term + node * h;
  for (int64_t i = 0; i < h; ++i) o[i] = 0;
  for (int64_t k = v.target_offsets[node]; k < v.target_offsets[node + 1]; ++k) {
    const int64_t e = v.by_target[k];
    const T* scale = v.modulator + e * 2 * h;
    const T* other = v.source_term + v.source[e] * h;
    for (int64_t i = 0; i < h; ++i) o[i] += message(scale[i], scale[h + i], own[i], other[i]);
  }
  const T factor = mean_factor<T>(v.target_offsets, node);
  for (int64_t i = 0; i < h; ++i) o[i] *= factor;
}

template <class T>
void gradient_into_node(const EdgeView<T>& v, int64_t node, const T* grad, T* target_grad,
                        T* modulator_grad) {
  const int64_t h = v.width;
  const T factor = mean_factor<T>(v.target_offsets, node);
  T* __restrict t = target_grad + node * h;
  const T* own = v.target_term + node * h;
  const T* g = grad + node * h;
  for (int64_t i = 0; i < h; ++i) t[i] = 0;
  for (int64_t k = v.target_offsets[node]; k < v.target_offsets[node + 1]; ++k) {
    const int64_t e = v.by_target[k];
    const T* scale = v.modulator + e * 2 * h;
    const T* other = v.source_term + v.source[e] * h;
    T* __restrict m = modulator_grad + e * 2 * h;
    for (int64_t i = 0; i < h; ++i) {
      const T share = g[i] * factor;
      t[i] += scale[i] * share;
      m[i] = (own[i] + other[i]) * share;
      m[h + i] = share;
    }
  }
}

template <class T>
void gradient_out_of_node(const EdgeView<T>& v, int64_t node, const T* grad, T* source_grad) {
  const int64_t h = v.width;
  T* __restrict s = source_grad + node * h;
  for (int64_t i = 0; i < h; ++i) s[i] = 0;
  for (int64_t k = v.source_offsets[node]; k < v.source_offsets[node + 1]; ++k) {
    const int64_t e = v.by_source[k], to = v.target[e];
    const T factor = mean_factor<T>(v.target_offsets, to);
    const T* scale = v.modulator + e * 2 * h;
    const T* g = grad + to * h;
    for (int64_t i = 0; i < h; ++i) s[i] += scale[i] * g[i] * factor;
  }
}

}  // namespace

template <class T>
void modulated_mean_cpu(const EdgeView<T>& v, int64_t first, int64_t end, T* out) {
  for (int64_t i = first; i < end; ++i) mean_of_node(v, i, out);
}

template <class T>
void modulated_mean_backward_cpu(const EdgeView<T>& v, int64_t first, int64_t end, const T* grad,
                                 const ModulatedMeanGradient<T>& to) {
  for (int64_t i = first; i < end; ++i) {
    gradient_into_node(v, i, grad, to.target_term, to.modulator);
    gradient_out_of_node(v, i, grad, to.source_term);
  }
}

template void modulated_mean_cpu(const EdgeView<float>&, int64_t, int64_t, float*);
template void modulated_mean_cpu(const EdgeView<double>&, int64_t, int64_t, double*);
template void modulated_mean_backward_cpu(const EdgeView<float>&, int64_t, int64_t, const float*,
                                          const ModulatedMeanGradient<float>&);
template void modulated_mean_backward_cpu(const EdgeView<double>&, int64_t, int64_t, const double*,
                                          const ModulatedMeanGradient<double>&);

}  // namespace tenfold::kernels
