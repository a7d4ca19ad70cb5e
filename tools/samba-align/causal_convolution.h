// Causal convolution of whole recordings with long kernels, by overlapping FFTs in float64.
#pragma once

#include <vector>

namespace tenfold::samba_align {

// y[t] = sum over k <= t of kernel[k] x[t - k], as long as x: nothing came before x. No factor
// 1 / rate. The kernel is not empty.
std::vector<double> convolve_causal(const std::vector<double>& x,
                                    const std::vector<double>& kernel);

}  // namespace tenfold::samba_align
