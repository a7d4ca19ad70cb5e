// A causal depthwise convolution over time, then silu, as Mamba's mixers have it (arXiv 2312.00752,
// 2405.21060; specification section 3.4):
//   out_t = silu(bias + sum_k weight_k x_{t - width + 1 + k}),  zeros before the first token
#pragma once

#include <ATen/core/Tensor.h>

namespace tenfold::kernels {

//   x [batch, time, channel], weight [channel, width] with width 1..8, bias [channel];
//   float32 or float64, all on one device
// Returns [batch, time, channel], contiguous. Differentiable in all three, once.
// A slice x is read in place: only its last dimension needs to be contiguous, else it is copied.
// The bytes do not depend on the number of threads. CUDA tensors are worked on in torch's current
// stream. Throws DataError for shapes, types or devices that do not fit and where nothing is to be
// done, Unavailable for CUDA tensors in a CPU-only build.
at::Tensor causal_conv_silu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace tenfold::kernels
