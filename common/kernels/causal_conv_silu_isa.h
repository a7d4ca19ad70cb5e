// One table of functions for each instruction set; internal to causal_conv_silu.
#pragma once

#include "common/kernels/causal_conv_silu_launch.h"

namespace tenfold::kernels {

// Both work on one task; the entry of width w is [w - 1].
template <class T>
struct CausalConvTable {
  void (*forward[kConvMaxWidth])(const CausalConvView<T>&, const T* taps, int64_t task, T* out);
  void (*backward[kConvMaxWidth])(const CausalConvView<T>&, const T* taps, int64_t task,
                                  const StridedRows<T>& grad, T* x_grad, T* sequence_sums);
};

extern const CausalConvTable<float> kCausalConvAvx2, kCausalConvAvx512;
extern const CausalConvTable<double> kCausalConvAvx2Double, kCausalConvAvx512Double;

}  // namespace tenfold::kernels
