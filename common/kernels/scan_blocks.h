// What the device bodies of the scans share: arithmetic for one thread, adding up parts.
#pragma once

#include <math.h>

#include "common/kernels/blocks.h"
#include "common/kernels/strided_rows.h"

namespace tenfold::kernels {

constexpr int64_t kDeviceChunk = 16;  // steps, as between two states that the forward pass keeps
constexpr int kDeviceStates = 8;      // as many as a thread holds in registers

// Columns of a block: its contributions to the gradients of b and c fill 32 KiB of shared memory.
template <class T>
constexpr int kDeviceLanes = 128 / static_cast<int>(sizeof(T));

TENFOLD_HOST_DEVICE inline float exp_on_device(float x) { return expf(x); }
TENFOLD_HOST_DEVICE inline double exp_on_device(double x) { return exp(x); }
TENFOLD_HOST_DEVICE inline float log1p_on_device(float x) { return log1pf(x); }
TENFOLD_HOST_DEVICE inline double log1p_on_device(double x) { return log1p(x); }

template <class T>
TENFOLD_HOST_DEVICE inline T sigmoid_on_device(T x) {
  return T(1) / (T(1) + exp_on_device(-x));
}

template <class T>
TENFOLD_HOST_DEVICE inline T softplus_on_device(T x) {
  return x > T(0) ? x + log1p_on_device(exp_on_device(-x)) : log1p_on_device(exp_on_device(x));
}

// Contributions [row, lane] of the threads of a block in shared memory; the sum of a row begins at
// another lane in every thread, so that threads read different banks.
template <class T>
TENFOLD_HOST_DEVICE inline T sum_of_row(const T* row, int lanes, int thread) {
  T sum = 0;
  for (int i = 0; i < lanes; ++i) sum += row[(i + thread) % lanes];
  return sum;
}

// out[i] = the sum of parts[part * stride + i] over the parts, in their order.
template <class T>
struct AddParts {
  static constexpr int kPhases = 1;
  const T* part;
  int64_t parts, stride, entries;
  T* out;

  int64_t blocks() const { return divide_up(entries, kMaxThreads); }
  int threads() const { return kMaxThreads; }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const int64_t i = at.block * kMaxThreads + at.thread;
    if (i >= entries) return;
    T sum = 0;
    for (int64_t p = 0; p < parts; ++p) sum += constant(part + p * stride + i);
    out[i] = sum;
  }
};

// The same for rows of parts [parts, rows, padded] that end in different tensors: row r < inner of
// column i goes to first[i * inner + r], the next to second[i] and third[i] (nullptr: there is
// none).
template <class T>
struct AddColumns {
  static constexpr int kPhases = 1;
  const T* part;
  int64_t parts, inner, columns, padded;
  T *first, *second, *third;

  int64_t rows() const { return inner + 1 + (third != nullptr ? 1 : 0); }
  int64_t blocks() const { return divide_up(rows() * columns, kMaxThreads); }
  int threads() const { return kMaxThreads; }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const int64_t rows = inner + 1 + (third != nullptr ? 1 : 0);
    const int64_t index = at.block * kMaxThreads + at.thread;
    if (index >= rows * columns) return;
    const int64_t row = index / columns, i = index % columns;
    T sum = 0;
    for (int64_t p = 0; p < parts; ++p) sum += constant(part + (p * rows + row) * padded + i);
    T* to = row < inner ? first + i * inner + row : (row == inner ? second : third) + i;
    *to = sum;
  }
};

}  // namespace tenfold::kernels
