// Convolution of every parcel's series with its own kernel, by Fourier transforms (specification,
// sections 3.2 and 9).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace tenfold::samba_align {

// y[t] = scale * sum over k of h[k] x[t - k] for the last `count` samples of x, with what lies
// before its beginning taken as zero. x [batch, parcels, time], h [parcels, taps] -> [batch,
// parcels, count]. The gradient is with respect to h alone: x is data.
at::Tensor convolved(const at::Tensor& x, const at::Tensor& h, int64_t count, double scale);

// The released code's: y[t] = sum over k of h[k] x[t + k - taps / 2], t = 0 .. time, zero outside:
// -> [batch, parcels, time + 1].
at::Tensor correlated(const at::Tensor& x, const at::Tensor& h);

}  // namespace tenfold::samba_align
