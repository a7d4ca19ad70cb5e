#include "tools/samba-align/causal_convolution.h"

#include <algorithm>
#include <complex>
#include <unsupported/Eigen/FFT>

namespace tenfold::samba_align {
namespace {

using Complex = std::complex<double>;

// A power of two: long enough that blocks are three kernels long, no longer than one for all.
size_t transform_size(size_t samples, size_t taps) {
  size_t size = 2;
  while (size < 4 * taps && size < samples + taps) size *= 2;
  return size;
}

}  // namespace

std::vector<double> convolve_causal(const std::vector<double>& x,
                                    const std::vector<double>& kernel) {
  const size_t size = transform_size(x.size(), kernel.size());
  const size_t block = size - kernel.size() + 1;
  Eigen::FFT<double> fft;
  std::vector<Complex> filter(size), part(size), spectrum;
  std::copy(kernel.begin(), kernel.end(), part.begin());
  fft.fwd(filter, part);
  std::vector<double> out(x.size());
  // Two blocks at a time: the kernel is real, so real and imaginary parts stay apart.
  for (size_t first = 0; first < x.size(); first += 2 * block) {
    std::fill(part.begin(), part.end(), Complex());
    const size_t second = first + block;
    for (size_t i = 0; i < block && first + i < x.size(); ++i) {
      part[i] = {x[first + i], second + i < x.size() ? x[second + i] : 0};
    }
    fft.fwd(spectrum, part);
    for (size_t i = 0; i < size; ++i) spectrum[i] *= filter[i];
    fft.inv(part, spectrum);
    for (size_t i = 0; i < size && first + i < x.size(); ++i) {
      out[first + i] += part[i].real();
      if (second + i < x.size()) out[second + i] += part[i].imag();
    }
  }
  return out;
}

}  // namespace tenfold::samba_align
