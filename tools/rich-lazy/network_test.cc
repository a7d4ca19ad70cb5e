#include "tools/rich-lazy/network.h"

#include <catch2/catch.hpp>

#include "tools/rich-lazy/network_for_test.h"

namespace tenfold::rich_lazy {
namespace {

const std::vector<NetworkShape> kShapes = {
    {5, 3, 9, 3, 1, false}, {4, 2, 11, 4, 0.3f, false}, {6, 5, 8, 10, 1, true}};

// The loss by weight i, by central differences in float64.
double slope(const PlainNetwork& plain, const TrialsView& trials, size_t i) {
  constexpr double kStep = 1e-6;
  PlainNetwork up = plain, down = plain;
  up.w[i] += kStep;
  down.w[i] -= kStep;
  return (up.loss(trials) - down.loss(trials)) / (2 * kStep);
}

}  // namespace

TEST_CASE("the fused gradient of every weight is the slope of the loss") {
  for (const NetworkShape& shape : kShapes) {
    CAPTURE(shape.alpha, shape.last_only);
    const Sample s(shape, 4);
    const PlainNetwork plain(s.weights);
    Network network(shape);
    CHECK(network.gradient(s.weights, s.view, false) == Approx(plain.loss(s.view)).epsilon(1e-5));
    for (size_t i = 0; i < s.weights.flat().size(); ++i) {
      CAPTURE(i);
      REQUIRE(double(network.gradient()[i]) ==
              Approx(slope(plain, s.view, i)).margin(2e-6).epsilon(2e-4));
    }
    // Once more, after another batch: nothing is left over.
    const std::vector<float> first = network.gradient();
    const Sample other(shape, 7, 2);
    network.gradient(other.weights, other.view, false);
    network.gradient(s.weights, s.view, false);
    CHECK(network.gradient() == first);
  }
}

TEST_CASE("without input and output weights the recurrent gradient is the same") {
  const Sample s(kShapes[0], 4);
  Network all(kShapes[0]), some(kShapes[0]);
  CHECK(all.gradient(s.weights, s.view, false) == some.gradient(s.weights, s.view, true));
  for (int64_t i = 0; i < kShapes[0].recurrent_size(); ++i)
    REQUIRE(all.gradient()[size_t(i)] == some.gradient()[size_t(i)]);
}

TEST_CASE("SGD with momentum and Adam are their textbook recursions") {
  const NetworkShape shape{1, 1, 2, 1, 1, false};
  const std::vector<float> g1 = {1, -2, 3, 4, 5, 6, 7, 8}, g2 = {2, 2, 2, 2, 2, 2, 2, 2};
  Weights w(shape);
  Optimizer sgd({Rule::kMomentum, 0.1, 0.9, false}, shape);
  sgd.update(w, g1, 0);
  sgd.update(w, g2, 1);
  // -lr (g1 + (0.9 g1 + g2))
  for (size_t i = 0; i < 8; ++i)
    CHECK(double(w.flat()[i]) == Approx(-0.1 * (1.9 * double(g1[i]) + 2)));

  Weights a(shape);
  Optimizer adam({Rule::kAdam, 0.1, 0.9, false}, shape);
  adam.update(a, g1, 0);
  for (size_t i = 0; i < 8; ++i) CHECK(double(a.flat()[i]) == Approx(g1[i] > 0 ? -0.1 : 0.1));
  adam.update(a, g2, 1);
  const double m = 0.9 * 0.1 * 3 + 0.1 * 2, v = 0.999 * 0.001 * 9 + 0.001 * 4;
  CHECK(double(a.flat()[2]) ==
        Approx(-0.1 - 0.1 * (m / (1 - 0.81)) / std::sqrt(v / (1 - 0.999 * 0.999))));

  Weights frozen(shape);
  Optimizer some({Rule::kMomentum, 0.1, 0.9, true}, shape);
  some.update(frozen, g1, 0);
  CHECK(frozen.flat()[3] == -0.4f);
  CHECK(frozen.flat()[4] == 0);
}

}  // namespace tenfold::rich_lazy
