#include "tools/bias-learning/forecasting_task.h"

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

// y = x + 100 of one unit that a bias keeps open.
RateNetwork shifted_echo() {
  NetworkShape shape;
  shape.hidden = shape.inputs = 1;
  shape.alpha = 0;
  shape.beta = 1;
  RateNetwork net = draw_network(shape, {false, 0.1, 0}, 1, 1);
  net.values[0] = 0;
  net.values[size_t(net.input_at())] = 1;
  net.values[size_t(net.readout_at())] = 1;
  net.values[size_t(net.bias_at())] = 100;
  return net;
}

TEST_CASE("a window shows x and asks for the sample tau later; starts are the seed's own") {
  const LorenzView view = lorenz_view({{1, 1, 1}, 0.01, 10000});
  const auto task = forecasting_task(view, {60, 4, 27});
  Trials a, b, other;
  task->trials(3, 7, a);
  task->trials(3, 7, b);
  task->trials(4, 7, other);
  CHECK(a.x == b.x);
  CHECK(a.x != other.x);
  for (int64_t t = 0; t + 27 < 60; ++t)
    for (int64_t k = 0; k < 4; ++k)
      CHECK(a.target[size_t(t * 4 + k)] == a.x[size_t((t + 27) * 4 + k)]);
}

TEST_CASE("training samples are standardised, and repeating the input is as bad as specified") {
  const LorenzView view = lorenz_view({{1, 1, 1}, 0.01, 10000});
  const Standard s = standard_of(view.signal, size_t(kLorenzTraining));
  CHECK(s.mean == Approx(0).margin(1e-9));
  CHECK(s.deviation == Approx(1));
  const auto facts = forecasting_task(view, {200, 32, 27})->facts();
  CHECK(facts.back().first == "nmse_of_repeating_the_input");
  CHECK(facts.back().second == Approx(1.20).margin(0.01));
}

TEST_CASE("in self-sustained mode a network that echoes is fed its own echo, tau steps old") {
  const LorenzView view = lorenz_view({{1, 1, 1}, 0.01, 10000});
  const int64_t tau = 5, steps = 60;
  const auto task = forecasting_task(view, {steps, 2, tau});
  const Measured m = task->measure(shifted_echo());
  const auto& errors = m.sustained[0].second;
  REQUIRE(errors.size() == size_t(kSustained));
  double wanted = 0;
  for (int64_t j = 0; j < kTestWindows; ++j) {
    const int64_t at = kLorenzTraining + kTestApart * j + steps;
    const double e = view.signal[size_t(at - tau)] + 100 - view.signal[size_t(at)];
    wanted += e * e / kTestWindows;
  }
  CHECK(errors[0] == Approx(wanted).epsilon(1e-5));
  CHECK(figure(m, "self_sustained_mse_1") == errors[0]);
  // A turn later the shift is there twice.
  CHECK(errors[size_t(tau)] == Approx(200 * 200).epsilon(0.05));
  CHECK(figure(m, "horizon") == 1);
  CHECK(m.curve[0].second.size() == size_t(steps + kSustained));
}

TEST_CASE("windows that do not fit are refused") {
  const LorenzView view = lorenz_view({{1, 1, 1}, 0.01, 10000});
  CHECK_THROWS_WITH(forecasting_task(view, {50, 4, 27}), Catch::Contains("--steps: found 50"));
  CHECK_THROWS_WITH(forecasting_task(view, {1000, 4, 27}), Catch::Contains("--steps: found 1000"));
  CHECK_THROWS_WITH(forecasting_task(view, {60, 4, 60}), Catch::Contains("--tau: found 60"));
}

}  // namespace
}  // namespace tenfold::bias_learning
