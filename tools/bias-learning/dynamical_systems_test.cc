#include "tools/bias-learning/dynamical_systems.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::bias_learning {
namespace {

TEST_CASE("a cosine returns to 1 after every period") {
  const std::vector<double> y = cosine(100, 50);
  CHECK(y[49] == Approx(1));
  CHECK(y[24] == Approx(-1));
  CHECK(y[12] == Approx(std::cos(2 * 3.14159265358979 * 13 / 50)));
}

TEST_CASE("van der Pol's oscillator is that of the specification") {
  std::vector<double> x = column(van_der_pol(200, {{2, 0}, 0.1, 400}), 0);
  scale_to_one(x);
  CHECK(x[0] == Approx(0.99240).margin(5e-6));
  CHECK(x[1] == Approx(0.97852).margin(5e-6));
  CHECK(x[2] == Approx(0.95957).margin(5e-6));
  CHECK(variance(x) == Approx(0.5132).margin(5e-5));
}

TEST_CASE("halving the Lorenz step divides the error as fourth order says") {
  const auto soon = [](double dt) { return lorenz(1, {{1, 1, 1}, dt, int64_t(0.2 / dt) - 1})[0]; };
  const auto coarse = soon(0.01), fine = soon(0.005), finest = soon(0.0025);
  double first = 0, second = 0;
  for (size_t k = 0; k < 3; ++k) {
    first += std::abs(coarse[k] - fine[k]);
    second += std::abs(fine[k] - finest[k]);
  }
  CHECK(first / second == Approx(16).epsilon(0.15));
}

TEST_CASE("the autocorrelation of Lorenz falls to a half after as many samples as specified") {
  const Rows rows = lorenz(200000, {{1, 1, 1}, 0.01, 10000});
  CHECK(autocorrelation_half_width(column(rows, 0)) == 24);
  CHECK(autocorrelation_half_width(column(rows, 1)) == 18);
  CHECK(autocorrelation_half_width(column(rows, 2)) == 12);
}

TEST_CASE("a step too large for the system is refused by name") {
  CHECK_THROWS_WITH(lorenz(1000, {{1, 1, 1}, 0.5, 0}),
                    Catch::Contains("--dt 0.5") && Catch::Contains("Lorenz"));
  CHECK_THROWS_AS(van_der_pol(1000, {{2, 0}, 2, 0}), UsageError);
}

}  // namespace
}  // namespace tenfold::bias_learning
