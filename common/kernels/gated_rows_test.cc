#include "common/kernels/gated_rows.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::kernels {
namespace {

using Doubles = std::vector<double>;

constexpr int64_t kRows = 3;

std::vector<float> draw(int64_t n, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(n));
  Stream(seed, "gated_rows").fill_normal(values.data(), n, 0.3, 1.5);
  return values;
}

Doubles doubles(const std::vector<float>& values) { return {values.begin(), values.end()}; }

// Central differences of sum(d_out * f(x)) by every entry of x.
Doubles slopes(const Doubles& x, const std::vector<float>& d_out,
               const std::function<Doubles(const Doubles&)>& f) {
  const double h = 1e-5;
  Doubles found;
  for (size_t i = 0; i < x.size(); ++i) {
    double slope = 0;
    for (const double side : {1.0, -1.0}) {
      Doubles moved = x;
      moved[i] += side * h;
      const Doubles y = f(moved);
      for (size_t k = 0; k < y.size(); ++k) slope += side * y[k] * d_out[k] / (2 * h);
    }
    found.push_back(slope);
  }
  return found;
}

void check_close(const std::vector<float>& found, const Doubles& expected) {
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).margin(3e-5));
}

// Inputs are rows of values, then of gates, with gaps of three floats.
struct Pair {
  int64_t width, step;
  std::vector<float> both;

  explicit Pair(int64_t w) : width(w), step(2 * w + 3), both(draw(kRows * step, 1)) {}
  Gated view() const { return {both.data(), both.data() + width, step, step}; }
  GatedGradient gradient(std::vector<float>& into) const {
    into.assign(both.size(), 0);
    return {into.data(), into.data() + width, step, step};
  }
  Doubles product(const Doubles& x) const {
    Doubles g;
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t j = 0; j < width; ++j) {
        const double gate = x[size_t(r * step + width + j)];
        g.push_back(x[size_t(r * step + j)] * gate / (1 + std::exp(-gate)));
      }
    }
    return g;
  }
};

Doubles rms_normed(Doubles g, const Doubles& weight) {
  const size_t width = weight.size();
  for (size_t first = 0; first < g.size(); first += width) {
    double squares = 0;
    for (size_t j = 0; j < width; ++j) squares += g[first + j] * g[first + j] / double(width);
    for (size_t j = 0; j < width; ++j) g[first + j] *= weight[j] / std::sqrt(squares + 1e-5);
  }
  return g;
}

Doubles layer_normed(const Doubles& x, const Doubles& weight, const Doubles& bias) {
  const size_t width = weight.size();
  Doubles out;
  for (size_t first = 0; first < x.size(); first += width) {
    double mean = 0, squares = 0;
    for (size_t j = 0; j < width; ++j) mean += x[first + j] / double(width);
    for (size_t j = 0; j < width; ++j) squares += std::pow(x[first + j] - mean, 2) / double(width);
    for (size_t j = 0; j < width; ++j)
      out.push_back((x[first + j] - mean) / std::sqrt(squares + 1e-5) * weight[j] + bias[j]);
  }
  return out;
}

}  // namespace

TEST_CASE("a silu gate and its gradients are those of float64 and finite differences") {
  for (const int64_t width : {1, 7, 8, 21, 40}) {
    const Pair p(width);
    const auto d_out = draw(kRows * width, 2);
    std::vector<float> out(d_out.size()), d_both;
    gate_rows(kRows, width, p.view(), out.data());
    check_close(out, p.product(doubles(p.both)));
    gate_rows_backward(kRows, width, p.view(), d_out.data(), p.gradient(d_both));
    check_close(d_both,
                slopes(doubles(p.both), d_out, [&](const Doubles& x) { return p.product(x); }));
  }
}

TEST_CASE("the RMS norm after a gate and its gradients are those of float64") {
  for (const int64_t width : {1, 7, 8, 21, 40}) {
    const Pair p(width);
    const auto d_out = draw(kRows * width, 2), weight = draw(width, 3);
    std::vector<float> out(d_out.size()), inverse(kRows), d_both, d_weight(weight.size(), 2.0f);
    gated_rms_norm(kRows, width, p.view(), weight.data(), 1e-5f, out.data(), inverse.data());
    const auto exact = [&](const Doubles& x, const Doubles& w) {
      return rms_normed(p.product(x), w);
    };
    check_close(out, exact(doubles(p.both), doubles(weight)));
    gated_rms_norm_backward(kRows, width, p.view(), weight.data(), inverse.data(), d_out.data(),
                            p.gradient(d_both), d_weight.data());
    check_close(d_both, slopes(doubles(p.both), d_out,
                               [&](const Doubles& x) { return exact(x, doubles(weight)); }));
    Doubles by_weight =
        slopes(doubles(weight), d_out, [&](const Doubles& w) { return exact(doubles(p.both), w); });
    for (double& d : by_weight) d += 2;  // it is added to
    check_close(d_weight, by_weight);
  }
}

TEST_CASE("the norm of a running sum hands both the sum and its norm on") {
  for (const int64_t width : {1, 7, 8, 21, 40}) {
    const auto x = draw(kRows * width, 1), branch = draw(kRows * width, 2), weight = draw(width, 3),
               bias = draw(width, 4), d_out = draw(kRows * width, 5),
               d_sum = draw(kRows * width, 6);
    for (const bool with_branch : {true, false}) {
      std::vector<float> sum = x, out(x.size()), moments(2 * kRows), d_x(x.size()),
                         d_weight(weight.size()), d_bias(weight.size());
      const float* b = with_branch ? branch.data() : nullptr;
      norm_of_sum(kRows, width, x.data(), b, {weight.data(), bias.data(), 1e-5f}, sum.data(),
                  out.data(), moments.data());
      Doubles exact = doubles(x);
      for (size_t i = 0; i < exact.size(); ++i) exact[i] += with_branch ? branch[i] : 0.0f;
      check_close(sum, exact);
      check_close(out, layer_normed(exact, doubles(weight), doubles(bias)));
      const float* d = with_branch ? d_sum.data() : nullptr;
      norm_of_sum_backward(kRows, width, sum.data(), moments.data(), weight.data(), d_out.data(), d,
                           d_x.data(), d_weight.data(), d_bias.data());
      Doubles by_x = slopes(exact, d_out, [&](const Doubles& s) {
        return layer_normed(s, doubles(weight), doubles(bias));
      });
      for (size_t i = 0; i < by_x.size(); ++i) by_x[i] += with_branch ? d_sum[i] : 0.0f;
      check_close(d_x, by_x);
      check_close(d_weight, slopes(doubles(weight), d_out, [&](const Doubles& w) {
                    return layer_normed(exact, w, doubles(bias));
                  }));
      check_close(d_bias, slopes(doubles(bias), d_out, [&](const Doubles& w) {
                    return layer_normed(exact, doubles(weight), w);
                  }));
    }
  }
}

}  // namespace tenfold::kernels
