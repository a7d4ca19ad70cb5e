// The selective scan of Mamba (arXiv 2312.00752) as the aggregators of arXiv 2410.14086 use it
// (specification section 3.4): a linear recurrence over time for every channel, whose step size,
// input and output weights depend on the token:
//   dt_t = softplus(dt_t + dt_bias),  h_t = exp(dt_t A) h_{t-1} + dt_t B_t x_t,  h_{-1} = 0
//   out_t = (C_t . h_t + D x_t) silu(z_t)
#pragma once

#include <ATen/core/Tensor.h>

namespace tenfold::kernels {

//   x, dt, z [batch, time, channel], B, C [batch, time, state], A [channel, state] (negative),
//   D, dt_bias [channel]; float32 or float64, all on one device
// Returns [batch, time, channel], contiguous. Differentiable in all eight, once.
// Slices are read in place: x, dt, B, C and z need contiguous last dimensions only, else they are
// copied. Between forward and backward only the inputs and every 16th state are kept. The bytes do
// not depend on the number of threads. CUDA tensors are worked on in torch's current stream.
// Throws DataError for shapes, types or devices that do not fit and where nothing is to be done,
// Unavailable for CUDA tensors in a CPU-only build.
at::Tensor selective_scan(const at::Tensor& x, const at::Tensor& dt, const at::Tensor& A,
                          const at::Tensor& B, const at::Tensor& C, const at::Tensor& D,
                          const at::Tensor& z, const at::Tensor& dt_bias);

}  // namespace tenfold::kernels
