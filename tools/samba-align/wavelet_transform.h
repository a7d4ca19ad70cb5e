// The wavelet transform as an operator with a gradient.
#pragma once

#include <ATen/core/Tensor.h>

#include "tools/samba-align/wavelet.h"

namespace tenfold::samba_align {

// x [..., length] -> [..., coefficients] and back; float32 on the CPU. Each is the other's
// gradient.
at::Tensor analysed(const Wavelet& wavelet, const at::Tensor& x);
at::Tensor synthesised(const Wavelet& wavelet, const at::Tensor& coefficients);

}  // namespace tenfold::samba_align
