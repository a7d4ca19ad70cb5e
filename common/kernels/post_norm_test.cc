#include "common/kernels/post_norm.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::kernels {
namespace {

std::vector<float> draw(size_t n, uint64_t seed) {
  std::vector<float> values(n);
  Stream(seed, "post_norm").fill_normal(values.data(), int64_t(n), 0.3, 1.5);
  return values;
}

// Layer norm of one row, in float64.
std::vector<double> exact_norm(const std::vector<double>& sum, const float* weight,
                               const float* bias) {
  double mean = 0, squares = 0;
  for (double s : sum) mean += s / double(sum.size());
  for (double s : sum) squares += (s - mean) * (s - mean) / double(sum.size());
  std::vector<double> out;
  for (size_t j = 0; j < sum.size(); ++j)
    out.push_back((sum[j] - mean) / std::sqrt(squares + 1e-5) * weight[j] + bias[j]);
  return out;
}

}  // namespace

TEST_CASE("the norm of a sum and its gradients are those of float64 and finite differences") {
  for (const int64_t width : {1, 5, 16, 33, 64}) {
    const int64_t rows = 3;
    const size_t n = size_t(rows * width);
    const auto x = draw(n, 1), b = draw(n, 2), weight = draw(size_t(width), 3),
               bias = draw(size_t(width), 4), d_out = draw(n, 5), shift = draw(size_t(width), 8);
    std::vector<float> normalised = b, out(n), inverse(rows), d_sum(n), d_weight(width),
                       d_bias(width);
    residual_norm(rows, width, x.data(), normalised.data(), shift.data(),
                  {weight.data(), bias.data(), 1e-5f}, out.data(), inverse.data());
    residual_norm_backward(rows, width, normalised.data(), inverse.data(), weight.data(),
                           d_out.data(), d_sum.data(), d_weight.data(), d_bias.data());
    std::vector<double> exact_weight(width), exact_bias(width);
    for (int64_t r = 0; r < rows; ++r) {
      std::vector<double> sum;
      for (int64_t j = 0; j < width; ++j)
        sum.push_back(double(x[r * width + j]) + b[r * width + j] + shift[j]);
      const auto y = exact_norm(sum, weight.data(), bias.data());
      const std::vector<float> one(width, 1.0f), none(width, 0.0f);
      const auto plain = exact_norm(sum, one.data(), none.data());
      for (int64_t j = 0; j < width; ++j) {
        CHECK(out[r * width + j] == Approx(y[j]).margin(1e-5));
        exact_weight[j] += d_out[r * width + j] * plain[j];
        exact_bias[j] += d_out[r * width + j];
        const double h = 1e-5;
        double slope = 0;
        for (const double side : {1.0, -1.0}) {
          auto moved = sum;
          moved[j] += side * h;
          const auto there = exact_norm(moved, weight.data(), bias.data());
          for (int64_t c = 0; c < width; ++c)
            slope += side * there[c] * d_out[r * width + c] / (2 * h);
        }
        CHECK(d_sum[r * width + j] == Approx(slope).margin(2e-5));
      }
    }
    for (int64_t j = 0; j < width; ++j) {
      CHECK(d_weight[j] == Approx(exact_weight[j]).margin(1e-5));
      CHECK(d_bias[j] == Approx(exact_bias[j]).margin(1e-5));
    }
  }
}

TEST_CASE("sums over rows are added to what is there, and relu lets through what was positive") {
  const int64_t rows = 7, width = 19;
  const auto hidden = draw(rows * width, 6), d = draw(rows * width, 7);
  std::vector<float> sum(width, 2.0f), bias(width), through = d, active = hidden;
  const auto shift = draw(width, 9);
  bias_relu(rows, width, shift.data(), active.data());
  column_sum(rows, width, d.data(), sum.data());
  relu_backward(rows, width, hidden.data(), through.data(), bias.data());
  for (int64_t j = 0; j < width; ++j) {
    double all = 2, positive = 0;
    for (int64_t r = 0; r < rows; ++r) {
      const size_t i = size_t(r * width + j);
      all += d[i];
      positive += hidden[i] > 0 ? d[i] : 0;
      CHECK(through[i] == (hidden[i] > 0 ? d[i] : 0.0f));
      CHECK(active[i] == std::max(hidden[i] + shift[j], 0.0f));
    }
    CHECK(sum[j] == Approx(all).margin(1e-5));
    CHECK(bias[j] == Approx(positive).margin(1e-5));
  }
}

}  // namespace tenfold::kernels
