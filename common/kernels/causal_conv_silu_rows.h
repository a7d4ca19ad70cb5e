// The loops of causal_conv_silu.h over time and channels, compiled once for every instruction set
// (causal_conv_silu_avx2.cc, causal_conv_silu_avx512.cc). A vector holds neighbouring channels.
// Nothing of the standard library is instantiated here.
#pragma once

#include "common/kernels/causal_conv_silu_isa.h"
#include "common/kernels/scan_rows.h"

namespace tenfold::kernels::TENFOLD_ISA {

// Time is cut so that the rows that neighbouring vectors share stay near.
constexpr int64_t kConvChunk = 32;

// Calls body(channel, first, end, access) for every vector of channels of a task and every chunk
// first <= t < end of time.
template <class T, class Body>
static inline void for_conv_task(const CausalConvView<T>& v, int64_t task, const Body& body) {
  const int64_t start = task % plan_of(v).blocks() * CausalConvPlan::kBlock;
  const int64_t left = v.channels - start;
  const int64_t width = left < CausalConvPlan::kBlock ? left : CausalConvPlan::kBlock;
  for (int64_t first = 0; first < v.time; first += kConvChunk) {
    const int64_t end = first + kConvChunk < v.time ? first + kConvChunk : v.time;
    for_columns<T>(width, [&](int64_t i, auto at) { body(start + i, first, end, at); });
  }
}

// The last `width` tokens of a vector of channels, oldest first.
template <int width, class T>
struct ConvWindow {
  using V = Vector<T>;
  V token[width];

  // As it stands before token `time`: zeros before the first.
  template <class Access>
  ConvWindow(const StridedRows<T>& x, int64_t sequence, int64_t time, int64_t channel,
             const Access& at) {
    for (int k = 0; k < width; ++k) {
      const int64_t t = time - width + k;
      token[k] = t >= 0 ? at.get(x.row(sequence, t) + channel) : V{};
    }
  }
  void push(const V& next) {
    for (int k = 0; k + 1 < width; ++k) token[k] = token[k + 1];
    token[width - 1] = next;
  }
  V sum(const V* tap, const V& bias) const {
    V y = bias;
    for (int k = 0; k < width; ++k) y += tap[k] * token[k];
    return y;
  }
};

template <int width, class T>
static inline void load_taps(const T* taps, int64_t padded, int64_t channel, Vector<T>* tap) {
  for (int k = 0; k < width; ++k) tap[k] = load(taps + k * padded + channel);
}

template <int width, class T>
static void conv_task(const CausalConvView<T>& v, const T* taps, int64_t task, T* out) {
  using V = Vector<T>;
  const FlushSubnormals flush;
  const int64_t s = task / plan_of(v).blocks(), padded = plan_of(v).padded();
  for_conv_task(v, task, [&](int64_t channel, int64_t first, int64_t end, auto at) {
    V tap[width];
    load_taps<width>(taps, padded, channel, tap);
    const V bias = at.get(v.bias + channel);
    ConvWindow<width, T> window(v.x, s, first, channel, at);
    for (int64_t t = first; t < end; ++t) {
      prefetch(v.x, s, t + kConvChunk, channel);
      window.push(at.get(v.x.row(s, t) + channel));
      const V y = window.sum(tap, bias);
      at.set(out + (s * v.time + t) * v.channels + channel, y * sigmoid(y));
    }
  });
}

// x_grad_t = sum over k of tap_k * g_{t + width - 1 - k}, where g is the gradient of the sum before
// silu: so each chunk looks width - 1 tokens ahead.
template <int width, class T>
static void conv_backward_task(const CausalConvView<T>& v, const T* taps, int64_t task,
                               const StridedRows<T>& grad, T* x_grad, T* sequence_sums) {
  using V = Vector<T>;
  const FlushSubnormals flush;
  const CausalConvPlan plan = plan_of(v);
  const int64_t s = task / plan.blocks(), padded = plan.padded();
  for_conv_task(v, task, [&](int64_t channel, int64_t first, int64_t end, auto at) {
    V tap[width], tap_sum[width], g[width], bias_sum = {};
    load_taps<width>(taps, padded, channel, tap);
    for (int k = 0; k < width; ++k) tap_sum[k] = g[k] = V{};
    const V bias = at.get(v.bias + channel);
    ConvWindow<width, T> window(v.x, s, first, channel, at);
    for (int64_t t = first; t < end + width - 1; ++t) {
      for (int k = 0; k + 1 < width; ++k) g[k] = g[k + 1];
      g[width - 1] = V{};
      if (t < v.time) {
        prefetch(v.x, s, t + kConvChunk, channel);
        prefetch(grad, s, t + kConvChunk, channel);
        window.push(at.get(v.x.row(s, t) + channel));
        const V y = window.sum(tap, bias), gate = sigmoid(y);
        g[width - 1] = at.get(grad.row(s, t) + channel) * gate * (1 + y * (1 - gate));
      }
      if (t < end) {
        bias_sum += g[width - 1];
        for (int k = 0; k < width; ++k) tap_sum[k] += g[width - 1] * window.token[k];
      }
      const int64_t due = t - (width - 1);
      if (due < first) continue;
      V sum = {};
      for (int k = 0; k < width; ++k) sum += tap[k] * g[width - 1 - k];
      at.set(x_grad + (s * v.time + due) * v.channels + channel, sum);
    }
    T* row = sequence_sums + s * plan.sequence_rows() * padded + channel;
    for (int k = 0; k <= width; ++k) {
      const V sum = k < width ? tap_sum[k] : bias_sum;
      store(row + k * padded, first == 0 ? sum : load(row + k * padded) + sum);
    }
  });
}

}  // namespace tenfold::kernels::TENFOLD_ISA
