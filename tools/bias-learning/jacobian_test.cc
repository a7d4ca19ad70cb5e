#include "tools/bias-learning/jacobian.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "common/core/error.h"

namespace tenfold::bias_learning {
namespace {

TEST_CASE("eigenvalues are those of the map's own derivative") {
  // Two units, u = W r + b > 0 for the first alone: J = [[0.9 + 0.1 w, 0.1 v], [0, 0.9]].
  NetworkShape shape;
  shape.hidden = 2;
  RateNetwork net = draw_network(shape, {false, 0.1, 0.1}, 1, 1);
  const float values[] = {0.5f, 0.25f, 1, 1, 1, 1, 0.1f, -9, 0.1f, 0.1f};
  std::copy(std::begin(values), std::end(values), net.values.begin());
  Trials trial;
  trial.steps = 4;
  const auto spectra = spectra_along(net, trial, 2);
  REQUIRE(spectra.size() == 2);
  CHECK(spectra[0].step == 2);
  CHECK(spectra[1].step == 4);
  CHECK(spectra[1].active == 1);
  CHECK(spectra[1].radius == Approx(0.95));
  double product = 1;
  for (const auto& value : spectra[1].eigenvalues) product *= std::abs(value);
  CHECK(product == Approx(0.95 * 0.9));
  CHECK(spectra_along(net, trial, 0).empty());
  CHECK_THROWS_AS(require_steps(trial, 5), UsageError);
}

}  // namespace
}  // namespace tenfold::bias_learning
