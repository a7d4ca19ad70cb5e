// Rows inside a wider tensor (a slice of a projection): the last dimension is contiguous, the two
// before it have strides of their own.
#pragma once

#include <stdint.h>

#include "common/kernels/host_device.h"

namespace tenfold::kernels {

template <class T>
struct StridedRows {
  const T* data;
  int64_t batch_stride, time_stride;  // in entries

  TENFOLD_HOST_DEVICE const T* row(int64_t batch, int64_t time) const {
    return data + batch * batch_stride + time * time_stride;
  }
};

// Row [width] of a contiguous [batch, time, width] tensor.
template <class T>
StridedRows<T> contiguous_rows(const T* data, int64_t time, int64_t width) {
  return {data, time * width, width};
}

}  // namespace tenfold::kernels
