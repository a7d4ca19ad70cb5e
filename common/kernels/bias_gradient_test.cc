#include "common/kernels/bias_gradient.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::kernels {
namespace {

using Floats = std::vector<float>;

struct Case {
  int64_t stored, images, units, classes;
  Floats z, bias, readout;
  std::vector<int64_t> rows;

  Case(int64_t images_, int64_t units_, int64_t classes_)
      : stored(images_ + 3), images(images_), units(units_), classes(classes_) {
    const auto normal = [](const char* name, int64_t n) {
      Floats v(static_cast<size_t>(n));
      Stream(5, name).fill_normal(v.data(), n, 0, 1);
      return v;
    };
    z = normal("z", stored * units);
    bias = normal("bias", units);
    readout = normal("readout", classes * units);
    rows = Stream(5, "rows").permutation(stored);
  }
  HiddenRows in() const { return {z.data(), rows.data(), images, units}; }

  double u(int64_t n, int64_t i, const std::vector<double>& b) const {
    return double(z[size_t(rows[size_t(n)] * units + i)]) + b[size_t(i)];
  }
  // In float64: a loss with a different weight for every logit, from the definition.
  double loss(const std::vector<double>& b, const std::vector<double>& a, const Floats& d) const {
    double sum = 0;
    for (int64_t n = 0; n < images; ++n)
      for (int64_t k = 0; k < classes; ++k)
        for (int64_t i = 0; i < units; ++i)
          sum += d[size_t(n * classes + k)] * a[size_t(k * units + i)] * std::max(u(n, i, b), 0.0);
    return sum;
  }
};

}  // namespace

TEST_CASE("logits are A relu(z + b) for any number of units and classes, image by row") {
  for (const auto& [units, classes] : {std::pair{1, 10}, {7, 2}, {8, 10}, {1029, 10}, {520, 1}}) {
    const Case c(5, units, classes);
    Floats logits(size_t(5 * classes));
    relu_readout(c.in(), c.bias.data(), c.readout.data(), classes, logits.data());
    const std::vector<double> b(c.bias.begin(), c.bias.end());
    for (int64_t n = 0; n < 5; ++n) {
      for (int64_t k = 0; k < classes; ++k) {
        double expected = 0;
        for (int64_t i = 0; i < units; ++i)
          expected += double(c.readout[size_t(k * units + i)]) * std::max(c.u(n, i, b), 0.0);
        CHECK(logits[size_t(n * classes + k)] == Approx(expected).epsilon(1e-4).margin(1e-4));
      }
    }
  }
}

TEST_CASE("sums give the gradients by bias and readout that differences of the loss give") {
  for (const int64_t units : {19, 32}) {
    const Case c(6, units, 10);
    Floats d(60), on(size_t(10 * units)), value(size_t(10 * units));
    Stream(6, "d").fill_normal(d.data(), 60, 0, 1);
    for (int64_t first = 0; first < units; first += 16) {  // as threads share the units
      const int64_t end = std::min(first + 16, units);
      relu_readout_sums(c.in(), c.bias.data(), d.data(), 10, UnitSum::kOn, first, end, on.data());
      relu_readout_sums(c.in(), c.bias.data(), d.data(), 10, UnitSum::kValue, first, end,
                        value.data());
    }
    std::vector<double> b(c.bias.begin(), c.bias.end()), a(c.readout.begin(), c.readout.end());
    constexpr double kStep = 1e-6;
    const auto slope = [&](double& parameter) {
      const double kept = parameter;
      parameter = kept + kStep;
      const double above = c.loss(b, a, d);
      parameter = kept - kStep;
      const double below = c.loss(b, a, d);
      parameter = kept;
      return (above - below) / (2 * kStep);
    };
    for (int64_t i = 0; i < units; ++i) {
      double by_bias = 0;
      for (int64_t k = 0; k < 10; ++k) {
        const auto at = size_t(k * units + i);
        by_bias += double(c.readout[at]) * on[at];
        CHECK(value[at] == Approx(slope(a[at])).epsilon(1e-4).margin(1e-4));
      }
      CHECK(by_bias == Approx(slope(b[size_t(i)])).epsilon(1e-4).margin(1e-4));
    }
  }
}

}  // namespace tenfold::kernels
