#include "tools/bias-learning/theory.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::bias_learning {
namespace {

double mean_ffn(int64_t width) {
  double sum = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) sum += ffn_error("sin", width, 1, seed).error / 20;
  return sum;
}

double mean_rnn(int64_t width) {
  double sum = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) sum += rnn_error(width, 1, seed) / 20;
  return sum;
}

}  // namespace

TEST_CASE("the target network of the sine has 28 units and an error of 0.019") {
  CHECK(ffn_target_units("sin") == 28);
  // Linear interpolation: h^2 / 8 times the largest second derivative, pi^2, h = 1/8.
  CHECK(ffn_target_network_error("sin") == Approx(0.019).margin(5e-4));
  // The ramp's corners at -0.25 and 0.25 are knots: interpolated exactly.
  CHECK(ffn_target_network_error("ramp") < 1e-12);
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
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CHECK(off_switch_error(1000, 1, seed) <= 1e-5);
    for (const double gamma : {0.1, 0.5, 1.0}) CHECK(bounding_error(gamma, seed) <= 1e-5);
  }
}

TEST_CASE("a network with fewer units than the target is refused") {
  CHECK_THROWS_AS(ffn_error("sin", 27, 1, 0), UsageError);
}

}  // namespace tenfold::bias_learning
