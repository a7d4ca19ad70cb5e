#include "tools/bias-learning/reaching_task.h"

#include <algorithm>
#include <catch2/catch.hpp>

namespace tenfold::bias_learning {
namespace {

double figure(const Measured& m, const std::string& name) {
  for (const auto& [own, value] : m.figures)
    if (own == name) return value;
  FAIL("no figure " << name);
  return 0;
}

TEST_CASE("a mass pushed by nothing stays a radius away, at training and held-out angles") {
  const auto task = reaching_task({50, 8, 0.1});
  NetworkShape shape;
  shape.inputs = shape.outputs = 2;
  RateNetwork net = draw_network(shape, {false, 0.1, 0}, 1, 1);
  std::fill(net.values.begin(), net.values.end(), 0.0f);
  const Measured m = task->measure(net);
  CHECK(figure(m, "mse") == Approx(1));
  CHECK(figure(m, "distance_training") == Approx(1));
  CHECK(figure(m, "distance_held_out") == Approx(1));
  CHECK_THROWS_WITH(reaching_task({9, 8, 0.1}), Catch::Contains("--steps: found 9"));
}

TEST_CASE("a constant force moves the mass as the sum of its velocities") {
  const auto task = reaching_task({10, 1, 0.1});
  NetworkShape shape;
  shape.hidden = 1;
  shape.inputs = shape.outputs = 2;
  shape.alpha = 0;
  shape.beta = 1;
  RateNetwork net = draw_network(shape, {false, 0.1, 0}, 1, 1);
  std::fill(net.values.begin(), net.values.end(), 0.0f);
  net.values[size_t(net.bias_at())] = 1;     // r = 1
  net.values[size_t(net.readout_at())] = 2;  // u = (2, 0)
  const Measured m = task->measure(net);
  // x_10 = 0.01 u (1 + 2 + ... + 10) = 1.1; the target is (1, 0), the one held out (-1, 0).
  CHECK(figure(m, "distance_training") == Approx(0.1).epsilon(1e-5));
  CHECK(figure(m, "distance_held_out") == Approx(2.1).epsilon(1e-5));
}

}  // namespace
}  // namespace tenfold::bias_learning
