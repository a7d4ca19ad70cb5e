#define TENFOLD_ISA avx2
#include "common/kernels/vector_math.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace tenfold::kernels::avx2 {
namespace {

constexpr double kUlp = 1.0 / (1 << 23);  // of float32, relative

std::vector<float> between(float low, float high) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> any(low, high);
  std::vector<float> x = {low, high, 0};
  while (x.size() < 400000) x.push_back(any(random));
  return x;
}

// The largest relative error of every lane of found(x) against float64.
template <class Found, class Expected>
double worst(const std::vector<float>& arguments, const Found& found, const Expected& expected) {
  double error = 0;
  for (const float x : arguments) {
    const Floats y = found(Floats{} + x);
    const double wanted = expected(double(x));
    for (int64_t i = 0; i < VectorOf<float>::kLanes; ++i) {
      error = std::max(error, std::abs(double(y[i]) - wanted) / wanted);
    }
  }
  return error;
}

double exp2_in_double(double x) { return std::exp2(x); }
double exp_in_double(double x) { return std::exp(x); }
double softplus_in_double(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}
double sigmoid_in_double(double x) { return 1 / (1 + std::exp(-x)); }

Floats softplus_value(const Floats& x) { return softplus(x).value; }
Floats softplus_slope(const Floats& x) { return softplus(x).slope; }
Floats exp2_floats(const Floats& x) { return exp2_of(x); }
Floats exp_floats(const Floats& x) { return exp_of(x); }
Floats sigmoid_floats(const Floats& x) { return sigmoid(x); }

}  // namespace

TEST_CASE("exp and exp2 are within 2 ulp, exp2 far closer near 0") {
  REQUIRE(worst(between(-126, 127), exp2_floats, exp2_in_double) <= 2 * kUlp);
  REQUIRE(worst(between(-87, 88), exp_floats, exp_in_double) <= 2 * kUlp);
  REQUIRE(worst(between(-0.01f, 0), exp2_floats, exp2_in_double) <= 0.51 * kUlp);
}

TEST_CASE("softplus and its slope are within 4 ulp, and right where e^x rounds away") {
  for (const auto& range : {between(-20, 20), between(-1, 1), between(-80, 80)}) {
    REQUIRE(worst(range, softplus_value, softplus_in_double) <= 4 * kUlp);
    REQUIRE(worst(range, softplus_slope, sigmoid_in_double) <= 4 * kUlp);
  }
  REQUIRE(softplus_value(Floats{} + 1e6f)[0] == 1e6f);
  REQUIRE(softplus_slope(Floats{} + 1e6f)[0] == 1);
  REQUIRE(softplus_value(Floats{} - 1e6f)[0] < 2e-38f);
}

TEST_CASE("sigmoid is within 3 ulp") {
  REQUIRE(worst(between(-80, 80), sigmoid_floats, sigmoid_in_double) <= 3 * kUlp);
}

TEST_CASE("NaN stays NaN, infinity has its limits") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = INFINITY;
  for (const auto f : {exp2_floats, exp_floats, sigmoid_floats, softplus_value, softplus_slope}) {
    REQUIRE(std::isnan(f(Floats{} + nan)[0]));
  }
  REQUIRE(exp2_floats(Floats{} - inf)[0] < 2e-38f);
  REQUIRE(softplus_value(Floats{} + inf)[0] == inf);
}

TEST_CASE("the lanes add up exactly where they can") {
  Floats v = {};
  float expected = 0;
  for (int64_t i = 0; i < VectorOf<float>::kLanes; ++i) {
    v[i] = float(1 << i);
    expected += v[i];
  }
  REQUIRE(sum_of_lanes<float>(v) == expected);
}

TEST_CASE("subnormal results are 0 within the guard only") {
  volatile float small = 1e-30f, smaller = 1e-10f;
  REQUIRE(small * smaller > 0);
  {
    const FlushSubnormals flush;
    const float product = small * smaller;
    REQUIRE(product == 0);
  }
  REQUIRE(small * smaller > 0);
}

}  // namespace tenfold::kernels::avx2
