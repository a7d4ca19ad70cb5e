#include "tools/samba-align/haemodynamic_response.h"

#include <algorithm>
#include <cmath>

namespace tenfold::samba_align {
namespace {

double gamma_curve(double t, double delay, double dispersion) {
  const double peak = delay * dispersion;
  return std::pow(t / peak, delay) * std::exp(-(t - peak) / dispersion);
}

size_t place_of_peak(const std::vector<double>& kernel) {
  return static_cast<size_t>(std::max_element(kernel.begin(), kernel.end()) - kernel.begin());
}

}  // namespace

std::vector<double> response_kernel(const DoubleGamma& r, double rate, double seconds) {
  std::vector<double> out(static_cast<size_t>(std::lround(seconds * rate)));
  for (size_t n = 1; n < out.size(); ++n) {
    const double t = static_cast<double>(n) / rate;
    out[n] = r.c1 * gamma_curve(t, r.d1, r.s1) - r.c2 * gamma_curve(t, r.d2, r.s2);
  }
  return out;
}

double time_to_peak_s(const std::vector<double>& h, double rate) {
  const size_t n = place_of_peak(h);
  const auto place = static_cast<double>(n);
  if (n == 0 || n + 1 == h.size()) return place / rate;
  const double bend = h[n - 1] - 2 * h[n] + h[n + 1];
  const double shift = bend == 0 ? 0 : 0.5 * (h[n - 1] - h[n + 1]) / bend;
  return (place + shift) / rate;
}

double fwhm_s(const std::vector<double>& h, double rate) {
  const size_t peak = place_of_peak(h);
  const double half = h[peak] / 2;
  if (half <= 0) return 0;
  size_t left = peak, right = peak;
  while (left > 0 && h[left] > half) --left;
  while (right + 1 < h.size() && h[right] > half) ++right;
  // Between a value at or below the half and its neighbour above it.
  const auto beyond = [&](size_t low, size_t high) {
    return h[low] > half ? 0 : (half - h[low]) / (h[high] - h[low]);
  };
  return (static_cast<double>(right) - beyond(right, right - 1) - static_cast<double>(left) -
          beyond(left, left + 1)) /
         rate;
}

double undershoot_ratio(const std::vector<double>& h) {
  const auto [low, high] = std::minmax_element(h.begin(), h.end());
  return *high > 0 ? -*low / *high : 0;
}

}  // namespace tenfold::samba_align
