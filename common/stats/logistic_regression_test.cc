#include "common/stats/logistic_regression.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace tenfold::stats {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int64_t kRows = 40, kFeatures = 3, kCategories = 3;

MatrixXd features() {
  MatrixXd x(kRows, kFeatures);
  for (int64_t i = 0; i < kRows; ++i)
    for (int64_t j = 0; j < kFeatures; ++j)
      x(i, j) = std::sin(1.7 * double(i) + 0.9 * double(j * j)) + 0.3 * double(j);
  return x;
}

std::vector<int64_t> categories_of(const MatrixXd& x) {
  std::vector<int64_t> y;
  for (int64_t i = 0; i < kRows; ++i) y.push_back((i * i + (x(i, 0) > 0)) % kCategories);
  return y;
}

}  // namespace

TEST_CASE("logistic regression finds the minimum that SciPy finds") {
  const MatrixXd x = features();
  const std::vector<int64_t> y = categories_of(x);
  const LogisticRegression fit(x, y, kCategories, 0.7, {1e-7, 300, 10});
  // scipy.optimize.minimize(f, zeros(12), method="BFGS", options=dict(gtol=1e-7)), SciPy 1.17.1, of
  // f = (W**2).sum()/2 + 0.7*(log(exp(x@W + b).sum(1)) - (x@W + b)[arange(40), y]).sum()
  CHECK(fit.outcome().value == Approx(22.257678802458837).epsilon(1e-12));
  const double weights[3][3] = {{-0.887824, -0.189377, 1.0772},
                                {0.081574, -0.122887, 0.041313},
                                {0.438309, 0.172745, -0.611055}};
  for (int64_t j = 0; j < 3; ++j)
    for (int64_t k = 0; k < 3; ++k)
      CHECK(fit.weights()(j, k) == Approx(weights[j][k]).margin(1e-5));
  // Up to what all of them share.
  const double intercepts[] = {-0.76718, 0.534072, 0.233108};
  for (int64_t k = 0; k < 3; ++k)
    CHECK(fit.intercepts()[k] - fit.intercepts().mean() == Approx(intercepts[k]).margin(1e-5));
}

TEST_CASE("the gradient of logistic regression is that of its value") {
  const MatrixXd x = features();
  const std::vector<int64_t> y = categories_of(x);
  const Objective f = logistic_objective(x, y, kCategories, 0.3);
  VectorXd at = VectorXd::LinSpaced((kFeatures + 1) * kCategories, -0.8, 1.1), gradient = at, rest;
  f(at, gradient);
  for (int64_t k = 0; k < at.size(); ++k) {
    constexpr double kStep = 1e-5;
    VectorXd up = at, down = at;
    up[k] += kStep;
    down[k] -= kStep;
    rest = at;
    const double slope = (f(up, rest) - f(down, rest)) / (2 * kStep);
    CHECK(gradient[k] == Approx(slope).margin(1e-8));
  }
}

TEST_CASE("features that say nothing leave the frequencies of the categories, without a prior") {
  const MatrixXd x = MatrixXd::Zero(kRows, 2);
  std::vector<int64_t> y(kRows, 0);
  for (size_t i = 0; i < 10; ++i) y[i] = 1;
  const LogisticRegression fit(x, y, 2, 0.1, {1e-10, 300, 10});
  CHECK(fit.weights().cwiseAbs().maxCoeff() < 1e-12);
  CHECK(fit.intercepts()[0] - fit.intercepts()[1] == Approx(std::log(30.0 / 10)).epsilon(1e-8));
  CHECK(fit.predict(x) == std::vector<int64_t>(kRows, 0));
}

TEST_CASE("a category is predicted where its feature is large") {
  MatrixXd x = MatrixXd::Zero(6, 3);
  std::vector<int64_t> y;
  for (int64_t i = 0; i < 6; ++i) {
    y.push_back((i * 2) % 3);
    x(i, y.back()) = 1;
  }
  CHECK(LogisticRegression(x, y, 3, 10).predict(x) == y);
}

}  // namespace tenfold::stats
