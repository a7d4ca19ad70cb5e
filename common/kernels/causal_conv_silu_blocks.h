// causal_conv_silu.h in blocks (blocks.h): a thread takes one channel of a chunk of a sequence and
// keeps the tokens that the taps reach in registers.
#pragma once

#include "common/kernels/causal_conv_silu_launch.h"
#include "common/kernels/scan_blocks.h"

namespace tenfold::kernels {

// Which channel and steps a thread takes; rows are the chunks of all sequences.
struct CausalConvPlace {
  int64_t row, sequence, channel, first, end;

  template <class T>
  TENFOLD_HOST_DEVICE CausalConvPlace(const CausalConvView<T>& v, const Place& at, int lanes) {
    const BlockTile own(at.block, v.channels, lanes);
    const int64_t chunks = divide_up(v.time, kDeviceChunk);
    row = own.row;
    sequence = own.row / chunks;
    channel = own.column + at.thread;
    first = own.row % chunks * kDeviceChunk;
    end = first + kDeviceChunk < v.time ? first + kDeviceChunk : v.time;
  }
};

template <class T, int width>
struct CausalConvWindow {
  const CausalConvView<T>& v;
  const CausalConvPlace& own;
  T tap[width], token[width], bias;  // token: the last ones, oldest first

  TENFOLD_HOST_DEVICE CausalConvWindow(const CausalConvView<T>& v, const CausalConvPlace& own)
      : v(v), own(own), bias(constant(v.bias + own.channel)) {
#pragma unroll
    for (int k = 0; k < width; ++k) {
      const int64_t t = own.first - width + k;
      tap[k] = constant(v.weight + own.channel * width + k);
      token[k] = t >= 0 ? constant(v.x.row(own.sequence, t) + own.channel) : T(0);
    }
  }
  // The sum before silu at step t, after that of t - 1.
  TENFOLD_HOST_DEVICE T step(int64_t t) {
#pragma unroll
    for (int k = 0; k + 1 < width; ++k) token[k] = token[k + 1];
    token[width - 1] = constant(v.x.row(own.sequence, t) + own.channel);
    T y = bias;
#pragma unroll
    for (int k = 0; k < width; ++k) y += tap[k] * token[k];
    return y;
  }
};

template <class T, int width>
struct CausalConvForwardBlocks {
  static constexpr int kPhases = 1;
  CausalConvView<T> v;
  int lanes;
  T* out;

  int64_t blocks() const {
    return v.batch * divide_up(v.time, kDeviceChunk) * divide_up(v.channels, lanes);
  }
  int threads() const { return lanes; }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const CausalConvPlace own(v, at, lanes);
    if (own.channel >= v.channels) return;
    CausalConvWindow<T, width> window(v, own);
    for (int64_t t = own.first; t < own.end; ++t) {
      const T y = window.step(t);
      out[(own.sequence * v.time + t) * v.channels + own.channel] = y * sigmoid_on_device(y);
    }
  }
};

// sums [batch * chunks, width + 1, padded]: gradients of the taps, then of bias.
template <class T, int width>
struct CausalConvBackwardBlocks {
  static constexpr int kPhases = 1;
  CausalConvView<T> v;
  CausalConvPlan plan;
  int lanes;
  StridedRows<T> grad;
  T *x_grad, *sums;

  int64_t blocks() const {
    return v.batch * divide_up(v.time, kDeviceChunk) * divide_up(v.channels, lanes);
  }
  int threads() const { return lanes; }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const CausalConvPlace own(v, at, lanes);
    if (own.channel >= v.channels) return;
    CausalConvWindow<T, width> window(v, own);
    T tap_sum[width], g[width], bias_sum = 0;  // g: gradients of the last sums before silu
#pragma unroll
    for (int k = 0; k < width; ++k) tap_sum[k] = g[k] = T(0);
    for (int64_t t = own.first; t < own.end + width - 1; ++t) {
#pragma unroll
      for (int k = 0; k + 1 < width; ++k) g[k] = g[k + 1];
      g[width - 1] = T(0);
      if (t < v.time) {
        const T y = window.step(t), gate = sigmoid_on_device(y);
        g[width - 1] =
            constant(grad.row(own.sequence, t) + own.channel) * gate * (T(1) + y * (T(1) - gate));
      }
      if (t < own.end) {
        bias_sum += g[width - 1];
#pragma unroll
        for (int k = 0; k < width; ++k) tap_sum[k] += g[width - 1] * window.token[k];
      }
      const int64_t due = t - (width - 1);
      if (due < own.first) continue;
      T sum = 0;
#pragma unroll
      for (int k = 0; k < width; ++k) sum += window.tap[k] * g[width - 1 - k];
      x_grad[(own.sequence * v.time + due) * v.channels + own.channel] = sum;
    }
    T* to = sums + own.row * (width + 1) * plan.padded() + own.channel;
#pragma unroll
    for (int k = 0; k < width; ++k) to[k * plan.padded()] = tap_sum[k];
    to[width * plan.padded()] = bias_sum;
  }
};

template <int n>
struct ConvWidth {
  static constexpr int kValue = n;
};

// Calls body(ConvWidth<width>).
template <int n = 1, class Body>
void with_conv_width(int64_t width, const Body& body) {
  if (width == n) {
    body(ConvWidth<n>{});
  } else if constexpr (n < kConvMaxWidth) {
    with_conv_width<n + 1>(width, body);
  }
}

// Both passes; run(body) launches a body, one after another.
template <class T, class Run>
void causal_conv_by_blocks(const CausalConvView<T>& v, T* out, const Run& run) {
  with_conv_width(v.width, [&](auto width) {
    run(CausalConvForwardBlocks<T, decltype(width)::kValue>{v, lanes_for(v.channels), out});
  });
}

template <class T, class Run>
void causal_conv_backward_by_blocks(const CausalConvView<T>& v, const StridedRows<T>& grad,
                                    const CausalConvGradient<T>& to, T* scratch, const Run& run) {
  const CausalConvPlan plan = plan_of(v);
  with_conv_width(v.width, [&](auto width) {
    run(CausalConvBackwardBlocks<T, decltype(width)::kValue>{v, plan, lanes_for(v.channels), grad,
                                                             to.x, scratch});
  });
  run(AddColumns<T>{scratch, v.batch * divide_up(v.time, kDeviceChunk), v.width, v.channels,
                    plan.padded(), to.weight, to.bias, nullptr});
}

}  // namespace tenfold::kernels
