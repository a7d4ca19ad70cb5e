// Rows inside a wider tensor (a slice of a projection): the last dimension is contiguous, the two
// before it have strides of their own.
#pragma once

#include <stdint.h>

#include "common/kernels/host_device.h"

// For what every instruction set's twin calls: the linker would merge copies that are not inlined,
// and wide code would run on any machine.
#define TENFOLD_INLINE TENFOLD_HOST_DEVICE inline __attribute__((always_inline))

namespace tenfold::kernels {

template <class T>
struct StridedRows {
  const T* data;
  int64_t batch_stride, time_stride;  // in entries

  TENFOLD_INLINE const T* row(int64_t batch, int64_t time) const {
    return data + batch * batch_stride + time * time_stride;
  }
};

// Row [width] of a contiguous [batch, time, width] tensor.
template <class T>
inline StridedRows<T> contiguous_rows(const T* data, int64_t time, int64_t width) {
  return {data, time * width, width};
}

}  // namespace tenfold::kernels
