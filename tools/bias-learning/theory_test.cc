#include "tools/bias-learning/theory.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "tools/bias-learning/theory_fit.h"

namespace tenfold::bias_learning {
namespace {

constexpr double kPi = 3.14159265358979323846;

double mean_ffn(int64_t width) {
  double sum = 0;
  for (uint64_t seed = 0; seed < 20; ++seed)
    sum += ffn_error("sin", false, width, 1, seed).error / 20;
  return sum;
}

double mean_rnn(int64_t width) {
  double sum = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) sum += rnn_error(width, 1, seed) / 20;
  return sum;
}

}  // namespace

TEST_CASE("the target network of the sine has 28 units and an error of 0.019") {
  CHECK(ffn_target_units("sin", false) == 28);
  // Linear interpolation: h^2 / 8 times the largest second derivative, pi^2, h = 1/8.
  CHECK(ffn_target_network_error("sin", false) == Approx(0.019).margin(5e-4));
  // The ramp's corners at -0.25 and 0.25 are knots: interpolated exactly.
  CHECK(ffn_target_network_error("ramp", false) < 1e-12);
}

TEST_CASE("theorem 1: the error by biases falls with the width as in the specification's table") {
  // Means over 20 seeds of another generator: 0.195 at 1 000, 0.072 at 10 000.
  CHECK(mean_ffn(1000) == Approx(0.195).epsilon(0.3));
  CHECK(mean_ffn(10000) == Approx(0.072).epsilon(0.3));
}

TEST_CASE("theorem 2: the same for trajectories of a recurrent network") {
  CHECK(mean_rnn(1000) == Approx(2.1).epsilon(0.35));
  CHECK(mean_rnn(10000) == Approx(0.65).epsilon(0.35));
}

TEST_CASE("a bias below every input switches a unit off, and bounded copies make up for one unit") {
  for (const bool heaviside : {false, true}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      CHECK(off_switch_error(heaviside, 1000, 1, seed) <= 1e-5);
      for (const double gamma : {0.1, 0.5, 1.0})
        CHECK(bounding_error(heaviside, gamma, seed) <= 1e-5);
    }
  }
}

TEST_CASE("a network with fewer units than the target is refused") {
  CHECK_THROWS_AS(ffn_error("sin", false, 27, 1, 0), UsageError);
  CHECK_THROWS_AS(ffn_error("sin", true, 15, 1, 0), UsageError);
}

TEST_CASE("steps make a staircase, which random steps come close to") {
  CHECK(ffn_target_units("sin", true) == 16);
  // Half-way from the knot at 0 to the next: sin(pi / 16).
  CHECK(ffn_target_network_error("sin", true) == Approx(std::sin(kPi / 16)).margin(2e-3));
  double far = 0, near = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    far += ffn_error("sin", true, 100, 1, seed).to_target_network / 20;
    near += ffn_error("sin", true, 10000, 1, seed).to_target_network / 20;
  }
  // Sixteen heights, each as far as the nearest of 50 or 5 000 in [-1, 1].
  CHECK(near < far / 20);
  CHECK(near < 16 * 2.0 / 5000);
}

TEST_CASE("training the biases starts down the slope of the loss") {
  constexpr int64_t kWidth = 12;
  const auto loss = [&](const std::vector<double>& biases) {
    const Stream a(3, "theory/A"), b(3, "theory/B");
    double sum = 0;
    for (int64_t p = 0; p <= 2000; ++p) {
      const double x = -1 + double(p) / 1000;
      double y = -std::sin(kPi * x);
      for (int64_t i = 0; i < kWidth; ++i)
        y += (2 * a.uniform(uint64_t(i)) - 1) *
             std::max((2 * b.uniform(uint64_t(i)) - 1) * x + biases[size_t(i)], 0.0);
      sum += y * y / 2001;
    }
    return sum;
  };
  const BiasFit still = fit_biases("sin", kWidth, 1, 3, 0),
                moved = fit_biases("sin", kWidth, 1, 3, 1);
  CHECK(still.loss == Approx(loss(std::vector<double>(kWidth, 0.0))).epsilon(1e-9));
  CHECK(moved.loss == Approx(loss({moved.biases.begin(), moved.biases.end()})).epsilon(1e-5));
  CHECK(fit_biases("sin", kWidth, 1, 3, 200).loss < 0.9 * still.loss);
  // Adam's first step goes by the rate against the sign of the slope.
  for (int64_t i = 0; i < kWidth; ++i) {
    std::vector<double> up(kWidth, 0.0), down = up;
    up[size_t(i)] = 1e-3;
    down[size_t(i)] = -1e-3;
    const double slope = (loss(up) - loss(down)) / 2e-3;
    if (std::abs(slope) < 1e-2) continue;
    CHECK(moved.biases[size_t(i)] == Approx(slope > 0 ? -kFitRate : kFitRate).epsilon(1e-3));
  }
}

TEST_CASE("trained biases stay far from those that the construction finds") {
  // 0.65 to 1.05, of another program and few seeds.
  for (const int64_t width : {10, 100, 1000}) {
    double mean = 0;
    for (uint64_t seed = 0; seed < 5; ++seed) mean += fit_biases("sin", width, 1, seed).error / 5;
    CAPTURE(width);
    CHECK(mean > 0.55);
    CHECK(mean < 1.15);
  }
}

}  // namespace tenfold::bias_learning
