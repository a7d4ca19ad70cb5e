// Problems and the definition of geglu's tests, for the CPU and for CUDA.
#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::kernels {

constexpr int64_t kGegluWidths[] = {1, 7, 8, 37, 256};

struct GegluProblem {
  int64_t rows = 41, width;
  std::vector<float> hidden, d_out;

  explicit GegluProblem(int64_t w)
      : width(w), hidden(size_t(2 * rows * w)), d_out(size_t(rows * w)) {
    Stream(1, "hidden").fill_uniform(hidden.data(), int64_t(hidden.size()), -7, 7);
    Stream(2, "slope").fill_normal(d_out.data(), int64_t(d_out.size()), 0, 1);
  }

  void check(const std::vector<float>& out, const std::vector<float>& d_hidden) const {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t j = 0; j < width; ++j) {
        const size_t v = size_t(2 * r * width + j), g = v + size_t(width),
                     o = size_t(r * width + j);
        CHECK(std::abs(out[o] - hidden[v] * gelu(hidden[g])) < 2e-5);
        CHECK(std::abs(d_hidden[v] - d_out[o] * gelu(hidden[g])) < 1e-5);
        CHECK(std::abs(d_hidden[g] - d_out[o] * hidden[v] * gelu_slope(hidden[g])) < 2e-5);
      }
    }
  }

  static double gelu(double g) { return g * std::erfc(-g / std::sqrt(2.0)) / 2; }
  static double gelu_slope(double g) {
    return std::erfc(-g / std::sqrt(2.0)) / 2 + g * std::exp(-g * g / 2) / std::sqrt(2 * M_PI);
  }
};

}  // namespace tenfold::kernels
