#include "common/kernels/geglu.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::kernels {
namespace {

double gelu(double g) { return g * std::erfc(-g / std::sqrt(2.0)) / 2; }
double gelu_slope(double g) {
  return std::erfc(-g / std::sqrt(2.0)) / 2 + g * std::exp(-g * g / 2) / std::sqrt(2 * M_PI);
}

}  // namespace

TEST_CASE("values and slopes are those of the definition, for all gates and widths") {
  for (int64_t width : {1, 7, 8, 37, 256}) {
    const int64_t rows = 41;
    std::vector<float> hidden(size_t(2 * rows * width)), d_out(size_t(rows * width)), out(d_out),
        d_hidden(hidden);
    Stream(1, "hidden").fill_uniform(hidden.data(), int64_t(hidden.size()), -7, 7);
    Stream(2, "slope").fill_normal(d_out.data(), int64_t(d_out.size()), 0, 1);
    geglu(rows, width, hidden.data(), out.data());
    geglu_backward(rows, width, hidden.data(), d_out.data(), d_hidden.data());
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
}

}  // namespace tenfold::kernels
