#include "tools/bias-learning/dynamical_systems.h"

#include <catch2/catch.hpp>

namespace tenfold::bias_learning {

TEST_CASE("van der Pol's first targets and variance are those of the specification") {
  const Trajectory t = van_der_pol(200);
  REQUIRE(t.target.size() == 200);
  CHECK(t.target[0] == Approx(0.99240).margin(5e-6));
  CHECK(t.target[1] == Approx(0.97852).margin(5e-6));
  CHECK(t.target[2] == Approx(0.95957).margin(5e-6));
  CHECK(variance(t.target) == Approx(0.5132).margin(5e-5));
}

TEST_CASE("the cosine begins at step 1 and comes back after its period") {
  const Trajectory t = cosine(200, 50);
  CHECK(t.target[49] == Approx(1).epsilon(1e-12));
  CHECK(t.target[24] == Approx(-1).epsilon(1e-12));
  CHECK(t.target[11] == Approx(t.target[61]).margin(1e-12));
  CHECK(variance(t.target) == Approx(0.5 * 200 / 199).epsilon(1e-9));
}

}  // namespace tenfold::bias_learning
