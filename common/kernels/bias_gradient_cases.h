// Networks, numbers and the definition of bias_gradient's tests, for the CPU and for CUDA.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common/core/philox.h"
#include "common/kernels/bias_gradient_blocks.h"

namespace tenfold::kernels {

using Doubles = std::vector<double>;

// Losses of bias vectors on the same images, from the definition in float64.
struct BiasProblem {
  int64_t models, images, units, classes;
  double scale = 0.25;
  Doubles z, bias, readout;  // [images + 3, units], [models, units], [classes, units]
  std::vector<int64_t> rows, labels;

  BiasProblem(int64_t m, int64_t n, int64_t u, int64_t c)
      : models(m), images(n), units(u), classes(c) {
    const auto draw = [](const char* name, int64_t count, double deviation) {
      std::vector<float> v(static_cast<size_t>(count));
      Stream(5, name).fill_normal(v.data(), count, 0, deviation);
      return Doubles(v.begin(), v.end());
    };
    z = draw("z", (n + 3) * u, 1);
    bias = draw("bias", m * u, 1);
    readout = draw("readout", c * u, 1 / std::sqrt(double(u)));
    rows = Stream(5, "rows").permutation(n + 3);
    const Doubles at = draw("labels", m * n, 1);
    for (const double x : at) labels.push_back(int64_t(std::abs(x) * 100) % c);
  }

  // As the kernels' type has them, from arrays that outlive it.
  template <class T>
  struct Arrays {
    std::vector<T> z, bias, readout;
    explicit Arrays(const BiasProblem& p)
        : z(p.z.begin(), p.z.end()),
          bias(p.bias.begin(), p.bias.end()),
          readout(p.readout.begin(), p.readout.end()) {}
    BiasModels<T> in(const BiasProblem& p) const {
      return {p.models,      p.images,    p.units,        p.classes,       z.data(),
              p.rows.data(), bias.data(), readout.data(), p.labels.data(), T(p.scale)};
    }
  };

  double h(int64_t model, int64_t image, int64_t unit) const {
    return std::max(
        z[size_t(rows[size_t(image)] * units + unit)] + bias[size_t(model * units + unit)], 0.0);
  }
  double logit(int64_t model, int64_t image, int64_t k) const {
    double sum = 0;
    for (int64_t i = 0; i < units; ++i) sum += readout[size_t(k * units + i)] * h(model, image, i);
    return sum;
  }
  double loss(int64_t model) const {
    double sum = 0;
    for (int64_t n = 0; n < images; ++n) {
      double total = 0;
      for (int64_t k = 0; k < classes; ++k) total += std::exp(logit(model, n, k));
      sum += std::log(total) - logit(model, n, labels[size_t(model * images + n)]);
    }
    return sum;
  }
  // `scale` times the central difference of a model's loss by a bias.
  double slope_at(int64_t model, int64_t unit) {
    double& entry = bias[size_t(model * units + unit)];
    const double kept = entry, step = 1e-6;
    entry = kept + step;
    const double high = loss(model);
    entry = kept - step;
    const double low = loss(model);
    entry = kept;
    return scale * (high - low) / (2 * step);
  }
};

// What must be written begins as NaN.
template <class T>
struct BiasResult {
  std::vector<T> d, image_losses, gradient, losses;

  explicit BiasResult(const BiasProblem& p)
      : d(size_t(p.models * p.images * p.classes), T(NAN)),
        image_losses(size_t(p.models * p.images), T(NAN)),
        gradient(p.bias.size(), T(NAN)),
        losses(size_t(p.models), T(NAN)) {}
};

// Losses relative, gradients in parts of the largest.
template <class T>
void check_bias_gradients(BiasProblem p, const BiasResult<T>& r, double tolerance) {
  double most = 0;
  for (const T g : r.gradient) {
    REQUIRE(std::isfinite(g));
    most = std::max(most, std::abs(double(g)));
  }
  for (int64_t m = 0; m < p.models; ++m) {
    CAPTURE(m);
    REQUIRE(double(r.losses[size_t(m)]) == Approx(p.loss(m)).epsilon(tolerance));
    for (int64_t i = 0; i < p.units; i += 1 + p.units / 30) {
      CAPTURE(i);
      REQUIRE(std::abs(double(r.gradient[size_t(m * p.units + i)]) - p.slope_at(m, i)) <=
              tolerance * most);
    }
  }
}

// Whole and partial blocks of images, pairs of vectors and what is left of them, several tiles.
inline std::vector<BiasProblem> bias_problems() {
  return {BiasProblem(1, 1, 1, 2),   BiasProblem(1, 8, 16, 10), BiasProblem(3, 5, 7, 2),
          BiasProblem(2, 17, 40, 6), BiasProblem(1, 24, 33, 5), BiasProblem(4, 9, 529, 10)};
}

}  // namespace tenfold::kernels
