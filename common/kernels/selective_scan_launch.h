// The launchers below selective_scan.h, on plain buffers; T is float or double. Shapes as there.
#pragma once

#include "common/kernels/strided_rows.h"

namespace tenfold::kernels {

template <class T>
struct SelectiveScanView {
  int64_t batch, time, channels, states;
  StridedRows<T> x, dt, z;   // [batch, time, channels]
  StridedRows<T> b, c;       // [batch, time, states]
  const T *a, *d, *dt_bias;  // [channels, states], [channels], [channels]
};

template <class T>
struct SelectiveScanGradient {
  T *x, *dt, *z;       // [batch, time, channels]
  T *b, *c;            // [batch, time, states]
  T *a, *d, *dt_bias;  // as in the view
};

// How the work is cut up; none of it depends on the number of threads. States are kept at the
// starts of chunks of time only. A task takes a block of channels of one sequence.
struct SelectiveScanPlan {
  static constexpr int64_t kChunk = 16, kBlock = 128, kPad = 16;

  int64_t batch, time, channels, states;

  TENFOLD_INLINE int64_t chunks() const { return (time + kChunk - 1) / kChunk; }
  TENFOLD_INLINE int64_t blocks() const { return (channels + kBlock - 1) / kBlock; }
  TENFOLD_INLINE int64_t tasks() const { return batch * blocks(); }
  // Channels, up to whole vectors of any instruction set.
  TENFOLD_INLINE int64_t padded() const { return (channels + kPad - 1) / kPad * kPad; }

  // Entries of the buffers.
  TENFOLD_INLINE int64_t rates() const { return states * padded(); }
  TENFOLD_INLINE int64_t starts() const { return batch * (chunks() - 1) * rates(); }
  // Of a sequence: the gradients of a, d and dt_bias.
  TENFOLD_INLINE int64_t sequence_rows() const { return states + 2; }
  TENFOLD_INLINE int64_t sequence_sums() const { return batch * sequence_rows() * padded(); }
  // Of a block of channels: the gradients of b and c.
  TENFOLD_INLINE int64_t block_sums() const {
    return blocks() > 1 ? blocks() * 2 * batch * time * states : 0;
  }
  // Of a thread on the CPU: states and gradients of states, and the sums of a chunk.
  TENFOLD_INLINE int64_t workspace() const { return states * (kBlock + 2 * kChunk * kPad); }
};

template <class T>
TENFOLD_INLINE SelectiveScanPlan plan_of(const SelectiveScanView<T>& v) {
  return {v.batch, v.time, v.channels, v.states};
}

// Buffers that the launchers fill for one another.
template <class T>
struct SelectiveScanScratch {
  T* rates;          // a for vectors of channels, from selective_scan_prepare
  T* starts;         // states at the starts of all chunks but the first; forward: nullptr = none
  T* sequence_sums;  // backward
  T* block_sums;     // backward, where there are several blocks of channels
};

// Fills scratch.rates.
template <class T>
void selective_scan_prepare(const SelectiveScanView<T>& v, T* rates);

// out [batch, time, channels], for tasks first <= i < end, on this thread.
template <class T>
void selective_scan_cpu(const SelectiveScanView<T>& v, const SelectiveScanScratch<T>& scratch,
                        int64_t first, int64_t end, T* out);

// The gradients of x, dt and z and the sums of the other five, from grad and what the forward pass
// left in the scratch.
template <class T>
void selective_scan_backward_cpu(const SelectiveScanView<T>& v,
                                 const SelectiveScanScratch<T>& scratch, int64_t first, int64_t end,
                                 const StridedRows<T>& grad, const SelectiveScanGradient<T>& to);

// Adds up over the sequences: row i < states of the sums is a's gradient, then d's, then dt_bias's.
template <class T>
void selective_scan_sum_sequences(const SelectiveScanView<T>& v, const T* sequence_sums,
                                  int64_t first, int64_t end, const SelectiveScanGradient<T>& to);

// Adds up over the blocks of channels: rows first <= i < end of the [batch * time, states]
// gradients of b and c.
template <class T>
void selective_scan_sum_blocks(const SelectiveScanView<T>& v, const T* block_sums, int64_t first,
                               int64_t end, const SelectiveScanGradient<T>& to);

// Entries of the device's scratch: gradients of states, sums of sequences, and the gradients of b
// and c of every tile of channels (32 in float32, 16 in float64).
template <class T>
int64_t selective_scan_device_scratch(const SelectiveScanView<T>& v) {
  const SelectiveScanPlan plan = plan_of(v);
  const int64_t lanes = 128 / static_cast<int64_t>(sizeof(T));
  return v.batch * plan.rates() + plan.sequence_sums() +
         (v.channels + lanes - 1) / lanes * 2 * v.batch * v.time * v.states;
}

// Both passes in whole on device memory, queued on `stream` (a cudaStream_t); starts as on the CPU.
// Throw Unavailable in a CPU-only build or when the device refuses the launch.
template <class T>
void selective_scan_cuda(const SelectiveScanView<T>& v, T* starts, T* out, void* stream);
template <class T>
void selective_scan_backward_cuda(const SelectiveScanView<T>& v, const T* starts, T* scratch,
                                  const StridedRows<T>& grad, const SelectiveScanGradient<T>& to,
                                  void* stream);

}  // namespace tenfold::kernels
