#include "tools/samba-align/causal_convolution.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/philox.h"
#include "tools/samba-align/haemodynamic_response.h"

namespace tenfold::samba_align {
namespace {

std::vector<double> noise(uint64_t seed, size_t n) {
  const Stream s(seed, "noise");
  std::vector<double> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = s.normal(i);
  return out;
}

std::vector<double> by_definition(const std::vector<double>& x, const std::vector<double>& h) {
  std::vector<double> out(x.size(), 0.0);
  for (size_t t = 0; t < x.size(); ++t) {
    for (size_t k = 0; k < h.size() && k <= t; ++k) out[t] += h[k] * x[t - k];
  }
  return out;
}

double worst(const std::vector<double>& a, const std::vector<double>& b) {
  double out = 0;
  for (size_t i = 0; i < a.size(); ++i) out = std::max(out, std::abs(a[i] - b[i]));
  return out;
}

}  // namespace

TEST_CASE("convolution by FFT is the sum of its definition at any lengths") {
  for (const size_t n : {1, 2, 7, 64, 1000, 3001}) {
    for (const size_t k : {1, 2, 31, 200, 4000}) {
      CAPTURE(n, k);
      const auto x = noise(1, n), h = noise(2, k);
      REQUIRE(worst(convolve_causal(x, h), by_definition(x, h)) < 1e-11);
    }
  }
}

TEST_CASE("a delta returns the kernel, and nothing comes before it") {
  const std::vector<double> h = response_kernel(kCanonicalResponse, 50);
  std::vector<double> x(20000, 0.0);
  const size_t at = 7777;
  x[at] = 1;
  const std::vector<double> y = convolve_causal(x, h);
  double before = 0, along = 0, after = 0;
  for (size_t t = 0; t < y.size(); ++t) {
    double& part = t < at ? before : t < at + h.size() ? along : after;
    const double expected = t >= at && t < at + h.size() ? h[t - at] : 0;
    part = std::max(part, std::abs(y[t] - expected));
  }
  CHECK(before < 1e-13);
  CHECK(along < 1e-13);
  CHECK(after < 1e-13);
}

}  // namespace tenfold::samba_align
