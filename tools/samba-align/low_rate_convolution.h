// Convolution with responses that have no high frequencies, at a lower rate (specification, section
// 9: --hrf-rate).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace tenfold::samba_align {

// `convolved` (hrf_convolution.h) of x [batch, parcels, time] with the responses whose every
// `factor`-th sample is `h` [parcels, low taps]: x decimated, convolved and interpolated ->
// [batch, parcels, count]. Right to 1e-3 of the result's rms where h has nothing above a seventh of
// the low rate; 1: `convolved`. The gradient is with respect to h. Throws UsageError unless
// the factor divides time and count.
at::Tensor convolved_at_low_rate(const at::Tensor& x, const at::Tensor& h, int64_t factor,
                                 int64_t count, double scale);

}  // namespace tenfold::samba_align
