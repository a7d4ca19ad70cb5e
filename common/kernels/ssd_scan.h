// The scan of Mamba-2 (arXiv 2405.21060) as the aggregators of arXiv 2410.14086 use it
// (specification section 3.4): a linear recurrence over time for every head, whose decay is one
// number a token:
//   dt_t = softplus(dt_t + dt_bias),  H_t = exp(dt_t A) H_{t-1} + dt_t x_t B_t^T,  H_{-1} = 0
//   y_t = H_t C_t + D x_t
#pragma once

#include <ATen/core/Tensor.h>

namespace tenfold::kernels {

//   x [batch, time, heads * head_dim], head by head, dt [batch, time, heads],
//   B, C [batch, time, state], shared by the heads, A (negative), D, dt_bias [heads];
//   float32 or float64, all on one device
// Returns [batch, time, heads * head_dim], contiguous. Differentiable in all seven, once.
// Slices are read in place: x, dt, B and C need contiguous last dimensions only, else they are
// copied. Between forward and backward only the inputs and every 16th state are kept. The bytes do
// not depend on the number of threads. CUDA tensors are worked on in torch's current stream.
// Throws DataError for shapes, types or devices that do not fit and where nothing is to be done,
// Unavailable for CUDA tensors in a CPU-only build.
at::Tensor ssd_scan(const at::Tensor& x, const at::Tensor& dt, const at::Tensor& A,
                    const at::Tensor& B, const at::Tensor& C, const at::Tensor& D,
                    const at::Tensor& dt_bias);

}  // namespace tenfold::kernels
