// What the tests of selective_scan, ssd_scan and causal_conv_silu share: values and comparisons.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace tenfold::kernels {

using Doubles = std::vector<double>;

// Values that float32 holds exactly.
class ScanValues {
 public:
  Doubles normal(int64_t n) {
    return fill(n, [this] { return normal_(random_); });
  }
  // Log-uniform.
  Doubles between(double low, double high, int64_t n) {
    std::uniform_real_distribution<double> log(std::log(low), std::log(high));
    return fill(n, [&] { return std::exp(log(random_)); });
  }
  // Raw values whose softplus is log-uniform from 0.01 to 10.
  Doubles raw_steps(int64_t n) {
    Doubles v = between(0.01, 10, n);
    for (double& x : v) x = static_cast<float>(std::log(std::expm1(x)));
    return v;
  }

 private:
  template <class Draw>
  Doubles fill(int64_t n, const Draw& draw) {
    Doubles v(static_cast<size_t>(n));
    for (double& x : v) x = static_cast<float>(draw());
    return v;
  }

  std::mt19937 random_{42};
  std::normal_distribution<double> normal_;
};

inline double softplus_of(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}
inline double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

// The largest difference over the largest expected entry; NaN counts as infinite.
template <class T>
double distance(const std::vector<T>& found, const Doubles& expected) {
  double largest = 0, difference = 0;
  for (const double x : expected) largest = std::max(largest, std::abs(x));
  for (size_t i = 0; i < expected.size(); ++i) {
    const double d = std::abs(static_cast<double>(found.at(i)) - expected[i]);
    difference = std::isnan(d) ? INFINITY : std::max(difference, d);
  }
  return difference == 0 ? 0 : difference / largest;
}

template <class T>
std::vector<T> as(const Doubles& values) {
  return {values.begin(), values.end()};
}

}  // namespace tenfold::kernels
