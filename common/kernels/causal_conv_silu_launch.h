// The launchers below causal_conv_silu.h, on plain buffers; T is float or double. Shapes as there.
#pragma once

#include "common/kernels/strided_rows.h"

namespace tenfold::kernels {

constexpr int64_t kConvMaxWidth = 8;

template <class T>
struct CausalConvView {
  int64_t batch, time, channels, width;
  StridedRows<T> x;        // [batch, time, channels]
  const T *weight, *bias;  // [channels, width], [channels]
};

template <class T>
struct CausalConvGradient {
  T *x, *weight, *bias;  // contiguous, as in the view
};

// How the work is cut up; none of it depends on the number of threads. A task takes a block of
// channels of one sequence.
struct CausalConvPlan {
  static constexpr int64_t kBlock = 256, kPad = 16;

  int64_t batch, channels, width;

  TENFOLD_INLINE int64_t blocks() const { return (channels + kBlock - 1) / kBlock; }
  TENFOLD_INLINE int64_t tasks() const { return batch * blocks(); }
  // Channels, up to whole vectors of any instruction set.
  TENFOLD_INLINE int64_t padded() const { return (channels + kPad - 1) / kPad * kPad; }

  // Entries of the buffers. Taps: weight k of all channels is row k.
  TENFOLD_INLINE int64_t taps() const { return width * padded(); }
  // Of a sequence: the gradients of the taps, then of bias.
  TENFOLD_INLINE int64_t sequence_rows() const { return width + 1; }
  TENFOLD_INLINE int64_t sequence_sums() const { return batch * sequence_rows() * padded(); }
};

template <class T>
TENFOLD_INLINE CausalConvPlan plan_of(const CausalConvView<T>& v) {
  return {v.batch, v.channels, v.width};
}

// The weights for vectors of channels.
template <class T>
void causal_conv_prepare(const CausalConvView<T>& v, T* taps);

// out [batch, time, channels], for tasks first <= i < end, on this thread.
template <class T>
void causal_conv_cpu(const CausalConvView<T>& v, const T* taps, int64_t first, int64_t end, T* out);

// The gradient of x and the sums of the other two.
template <class T>
void causal_conv_backward_cpu(const CausalConvView<T>& v, const T* taps, int64_t first, int64_t end,
                              const StridedRows<T>& grad, const CausalConvGradient<T>& to,
                              T* sequence_sums);

// Adds up over the sequences, for rows first <= i < end of the sums.
template <class T>
void causal_conv_sum_sequences(const CausalConvView<T>& v, const T* sequence_sums, int64_t first,
                               int64_t end, const CausalConvGradient<T>& to);

// Entries of the device's scratch: the sums of every 16 steps of a sequence.
template <class T>
int64_t causal_conv_device_scratch(const CausalConvView<T>& v) {
  return (v.time + 15) / 16 * plan_of(v).sequence_sums();
}

// Both passes in whole on device memory, queued on `stream` (a cudaStream_t). Throw Unavailable in
// a CPU-only build or when the device refuses the launch.
template <class T>
void causal_conv_cuda(const CausalConvView<T>& v, T* out, void* stream);
template <class T>
void causal_conv_backward_cuda(const CausalConvView<T>& v, const StridedRows<T>& grad,
                               const CausalConvGradient<T>& to, T* scratch, void* stream);

}  // namespace tenfold::kernels
