// The launchers below ssd_scan.h, on plain buffers; T is float or double. Shapes as there.
#pragma once

#include "common/kernels/strided_rows.h"

namespace tenfold::kernels {

template <class T>
struct SsdScanView {
  int64_t batch, time, heads, head_dim, states;
  StridedRows<T> x;          // [batch, time, heads * head_dim]
  StridedRows<T> dt;         // [batch, time, heads]
  StridedRows<T> b, c;       // [batch, time, states]
  const T *a, *d, *dt_bias;  // [heads]
};

template <class T>
struct SsdScanGradient {
  T *x, *dt, *b, *c, *a, *d, *dt_bias;  // contiguous, as in the view
};

// How the work is cut up; none of it depends on the number of threads. States are kept at the
// starts of chunks of time only. A task takes a block of heads of one sequence.
struct SsdScanPlan {
  static constexpr int64_t kChunk = 16, kBlock = 128, kPad = 16;

  int64_t batch, time, heads, head_dim, states;
  int64_t block_heads;  // heads of a block

  TENFOLD_INLINE int64_t chunks() const { return (time + kChunk - 1) / kChunk; }
  TENFOLD_INLINE int64_t blocks() const { return (heads + block_heads - 1) / block_heads; }
  TENFOLD_INLINE int64_t tasks() const { return batch * blocks(); }
  // Columns of a head, up to whole vectors of any instruction set.
  TENFOLD_INLINE int64_t padded_head() const { return (head_dim + kPad - 1) / kPad * kPad; }
  TENFOLD_INLINE int64_t padded() const { return heads * padded_head(); }

  // Entries of the buffers.
  TENFOLD_INLINE int64_t starts() const { return batch * (chunks() - 1) * states * padded(); }
  // Of a sequence: the gradients of a, d and dt_bias.
  TENFOLD_INLINE int64_t sequence_sums() const { return batch * 3 * heads; }
  // Of a block of heads: the gradients of b and c.
  TENFOLD_INLINE int64_t block_sums() const {
    return blocks() > 1 ? blocks() * 2 * batch * time * states : 0;
  }
  // Of a thread on the CPU: states or gradients of states, and the sums of a chunk.
  TENFOLD_INLINE int64_t workspace() const {
    return states * (block_heads * padded_head() + 2 * kChunk * kPad);
  }
};

// Blocks of about kBlock columns.
template <class T>
TENFOLD_INLINE SsdScanPlan plan_of(const SsdScanView<T>& v) {
  const int64_t heads = SsdScanPlan::kBlock / v.head_dim;
  return {v.batch, v.time, v.heads, v.head_dim, v.states, heads > 0 ? heads : 1};
}

// Buffers that the launchers fill for one another.
template <class T>
struct SsdScanScratch {
  T* starts;         // states at the starts of all chunks but the first; forward: nullptr = none
  T* sequence_sums;  // backward
  T* block_sums;     // backward, where there are several blocks of heads
};

// out [batch, time, heads * head_dim], for tasks first <= i < end, on this thread.
template <class T>
void ssd_scan_cpu(const SsdScanView<T>& v, const SsdScanScratch<T>& scratch, int64_t first,
                  int64_t end, T* out);

// The gradients of x and dt and the sums of the other five, from grad and what the forward pass
// left in the scratch.
template <class T>
void ssd_scan_backward_cpu(const SsdScanView<T>& v, const SsdScanScratch<T>& scratch, int64_t first,
                           int64_t end, const StridedRows<T>& grad, const SsdScanGradient<T>& to);

// Adds up over the sequences: the gradients of a, d and dt_bias.
template <class T>
void ssd_scan_sum_sequences(const SsdScanView<T>& v, const T* sequence_sums,
                            const SsdScanGradient<T>& to);

// Adds up over the blocks of heads: rows first <= i < end of the [batch * time, states] gradients
// of b and c.
template <class T>
void ssd_scan_sum_blocks(const SsdScanView<T>& v, const T* block_sums, int64_t first, int64_t end,
                         const SsdScanGradient<T>& to);

// Entries of the device's scratch: gradients of states, and of every tile of columns of a head (32
// in float32, 16 in float64) the gradients of b and c and the sums for those of dt and d.
template <class T>
int64_t ssd_scan_device_scratch(const SsdScanView<T>& v) {
  const int64_t lanes = 128 / static_cast<int64_t>(sizeof(T));
  const int64_t parts = v.heads * ((v.head_dim + lanes - 1) / lanes);
  return v.batch * v.states * plan_of(v).padded() +
         parts * v.batch * (2 * v.time * v.states + 2 * v.time + 1);
}

// Both passes in whole on device memory, queued on `stream` (a cudaStream_t); starts as on the CPU.
// Throw Unavailable in a CPU-only build or when the device refuses the launch.
template <class T>
void ssd_scan_cuda(const SsdScanView<T>& v, T* starts, T* out, void* stream);
template <class T>
void ssd_scan_backward_cuda(const SsdScanView<T>& v, const T* starts, T* scratch,
                            const StridedRows<T>& grad, const SsdScanGradient<T>& to, void* stream);

}  // namespace tenfold::kernels
