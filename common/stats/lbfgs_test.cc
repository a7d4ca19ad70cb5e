#include "common/stats/lbfgs.h"

#include <catch2/catch.hpp>

namespace tenfold::stats {

using Eigen::VectorXd;

TEST_CASE("L-BFGS ends at the solution of a linear system whose quadratic form it minimises") {
  const int64_t n = 30;
  Eigen::MatrixXd a(n, n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) a(i, j) = 1.0 / double(1 + std::abs(i - j));
  const VectorXd b = VectorXd::LinSpaced(n, -1, 2);
  VectorXd x = VectorXd::Zero(n);
  const LbfgsOutcome out = minimise_lbfgs(
      [&](const VectorXd& at, VectorXd& gradient) {
        gradient = a * at - b;
        return at.dot(a * at) / 2 - b.dot(at);
      },
      x, {1e-8, 300, 10});
  CHECK(out.converged);
  CHECK(out.iterations < 100);
  CHECK((a * x - b).cwiseAbs().maxCoeff() <= 1e-8);
}

TEST_CASE("L-BFGS follows Rosenbrock's valley to (1, 1)") {
  VectorXd x(2);
  x << -1.2, 1;
  const auto rosenbrock = [](const VectorXd& p, VectorXd& g) {
    const double u = 1 - p[0], v = p[1] - p[0] * p[0];
    g.resize(2);
    g << -2 * u - 400 * p[0] * v, 200 * v;
    return u * u + 100 * v * v;
  };
  VectorXd short_of = x;
  const LbfgsOutcome stopped = minimise_lbfgs(rosenbrock, short_of, {1e-9, 3, 5});
  CHECK(stopped.iterations == 3);
  CHECK_FALSE(stopped.converged);
  CHECK(minimise_lbfgs(rosenbrock, x, {1e-9, 300, 5}).converged);
  CHECK(x[0] == Approx(1).margin(1e-8));
  CHECK(x[1] == Approx(1).margin(1e-8));
}

}  // namespace tenfold::stats
