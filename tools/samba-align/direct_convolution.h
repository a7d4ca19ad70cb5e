// The convolution with the haemodynamic responses by its definition, without Fourier transforms:
// what the fast one is held against.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace tenfold::samba_align {

// `convolved` (hrf_convolution.h) as plain loops on one thread, and the gradient of h [parcels,
// taps] from that of the output, d_y [batch, parcels, count]. float32.
at::Tensor convolved_directly(const at::Tensor& x, const at::Tensor& h, int64_t count,
                              double scale);
at::Tensor convolved_directly_backward(const at::Tensor& x, const at::Tensor& d_y, int64_t taps,
                                       double scale);

}  // namespace tenfold::samba_align
