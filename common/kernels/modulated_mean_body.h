// The arithmetic of modulated_mean.h, forward and backward, for one edge and column; and the sums
// of it that the device takes (segment_sum_body.h).
#pragma once

#include "common/kernels/segment_sum_body.h"

namespace tenfold::kernels {

template <class T>
struct EdgeView {
  int64_t nodes, edges, width;
  const T* target_term;  // [N, H]
  const T* source_term;  // [N, H]
  const T* modulator;    // [E, 2H]
  const int64_t *source, *target;
  const int64_t *by_target, *target_offsets, *by_source, *source_offsets;
};

template <class T>
TENFOLD_HOST_DEVICE inline T message(T scale, T shift, T own, T other) {
  return scale * (own + other) + shift;
}

// 1 / the number of edges into a node, 0 where there is none.
template <class T>
TENFOLD_HOST_DEVICE inline T mean_factor(const int64_t* target_offsets, int64_t node) {
  const int64_t n = constant(target_offsets + node + 1) - constant(target_offsets + node);
  return n > 0 ? T(1) / T(n) : T(0);
}

template <class T>
struct EdgesIntoNode {
  EdgeView<T> v;

  TENFOLD_HOST_DEVICE int64_t begin(int64_t node) const {
    return constant(v.target_offsets + node);
  }
  TENFOLD_HOST_DEVICE int64_t end(int64_t node) const {
    return constant(v.target_offsets + node + 1);
  }
};

// out[node, :]
template <class T>
struct MeanOfNode : EdgesIntoNode<T> {
  T* out;

  TENFOLD_HOST_DEVICE T entry(int64_t k, int64_t node, int64_t i) const {
    const EdgeView<T>& v = this->v;
    const int64_t h = v.width, e = constant(v.by_target + k);
    const T* scale = v.modulator + e * 2 * h + i;
    return message(constant(scale), constant(scale + h), constant(v.target_term + node * h + i),
                   constant(v.source_term + constant(v.source + e) * h + i));
  }
  TENFOLD_HOST_DEVICE void finish(int64_t node, int64_t i, T sum) const {
    out[node * this->v.width + i] = sum * mean_factor<T>(this->v.target_offsets, node);
  }
};

// Gradients of the node's own term and of the modulators of its incoming edges.
template <class T>
struct GradientIntoNode : EdgesIntoNode<T> {
  const T* grad;
  T *target_grad, *modulator_grad;

  TENFOLD_HOST_DEVICE T entry(int64_t k, int64_t node, int64_t i) const {
    const EdgeView<T>& v = this->v;
    const int64_t h = v.width, e = constant(v.by_target + k), row = e * 2 * h + i;
    const T share = constant(grad + node * h + i) * mean_factor<T>(v.target_offsets, node);
    const T own = constant(v.target_term + node * h + i);
    modulator_grad[row] = (own + constant(v.source_term + constant(v.source + e) * h + i)) * share;
    modulator_grad[row + h] = share;
    return constant(v.modulator + row) * share;
  }
  TENFOLD_HOST_DEVICE void finish(int64_t node, int64_t i, T sum) const {
    target_grad[node * this->v.width + i] = sum;
  }
};

// Gradient of the node's term as a source.
template <class T>
struct GradientOutOfNode {
  EdgeView<T> v;
  const T* grad;
  T* source_grad;

  TENFOLD_HOST_DEVICE int64_t begin(int64_t node) const {
    return constant(v.source_offsets + node);
  }
  TENFOLD_HOST_DEVICE int64_t end(int64_t node) const {
    return constant(v.source_offsets + node + 1);
  }
  TENFOLD_HOST_DEVICE T entry(int64_t k, int64_t, int64_t i) const {
    const int64_t e = constant(v.by_source + k), to = constant(v.target + e);
    return constant(v.modulator + e * 2 * v.width + i) * constant(grad + to * v.width + i) *
           mean_factor<T>(v.target_offsets, to);
  }
  TENFOLD_HOST_DEVICE void finish(int64_t node, int64_t i, T sum) const {
    source_grad[node * v.width + i] = sum;
  }
};

template <class T, class Term>
SegmentSum<T, Term> sum_over_edges(const EdgeView<T>& v, const Term& term) {
  return {segment_shape(v.nodes, v.edges, v.width), term};
}

}  // namespace tenfold::kernels
