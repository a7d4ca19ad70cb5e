// The arithmetic of modulated_mean.h for one node, forward and backward.
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

template <class T>
struct EdgeView {
  const T* target_term;  // [N, H]
  const T* source_term;  // [N, H]
  const T* modulator;    // [E, 2H]
  const int64_t *source, *target;
  const int64_t *by_target, *target_offsets, *by_source, *source_offsets;
  int64_t width;
};

// out[node, :]
template <class T>
inline void mean_of_node(const EdgeView<T>& v, int64_t node, T* out) {
  const int64_t h = v.width, first = v.target_offsets[node], end = v.target_offsets[node + 1];
  T* __restrict o = out + node * h;
  const T* own = v.target_term + node * h;
  for (int64_t i = 0; i < h; ++i) o[i] = 0;
  for (int64_t k = first; k < end; ++k) {
    const int64_t e = v.by_target[k];
    const T* scale = v.modulator + e * 2 * h;
    const T* other = v.source_term + v.source[e] * h;
    for (int64_t i = 0; i < h; ++i) o[i] += scale[i] * (own[i] + other[i]) + scale[h + i];
  }
  const T factor = end > first ? T(1) / T(end - first) : T(0);
  for (int64_t i = 0; i < h; ++i) o[i] *= factor;
}

// Gradients of the node's own term and of the modulators of its incoming edges.
template <class T>
inline void gradient_into_node(const EdgeView<T>& v, int64_t node, const T* grad, T* target_grad,
                               T* modulator_grad) {
  const int64_t h = v.width, first = v.target_offsets[node], end = v.target_offsets[node + 1];
  const T factor = end > first ? T(1) / T(end - first) : T(0);
  T* __restrict t = target_grad + node * h;
  const T* own = v.target_term + node * h;
  const T* g = grad + node * h;
  for (int64_t i = 0; i < h; ++i) t[i] = 0;
  for (int64_t k = first; k < end; ++k) {
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

// Gradient of the node's term as a source.
template <class T>
inline void gradient_out_of_node(const EdgeView<T>& v, int64_t node, const T* grad,
                                 T* source_grad) {
  const int64_t h = v.width;
  T* __restrict s = source_grad + node * h;
  for (int64_t i = 0; i < h; ++i) s[i] = 0;
  for (int64_t k = v.source_offsets[node]; k < v.source_offsets[node + 1]; ++k) {
    const int64_t e = v.by_source[k], to = v.target[e];
    const T factor = T(1) / T(v.target_offsets[to + 1] - v.target_offsets[to]);
    const T* scale = v.modulator + e * 2 * h;
    const T* g = grad + to * h;
    for (int64_t i = 0; i < h; ++i) s[i] += scale[i] * g[i] * factor;
  }
}

}  // namespace tenfold::kernels
