#include "tools/samba-align/ridge_baseline.h"

#include <Eigen/Dense>
#include <catch2/catch.hpp>

#include "common/core/philox.h"
#include "tools/samba-align/haemodynamic_response.h"

namespace tenfold::samba_align {
namespace {

Matrix normal(int64_t rows, int64_t columns, const char* name) {
  const Stream s(5, name);
  Matrix m(rows, columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) m(i, j) = s.normal(uint64_t(i * columns + j));
  return m;
}

}  // namespace

TEST_CASE("a feature of an impulse is the canonical response at the ends of the frames") {
  Matrix x = Matrix::Zero(1, 400);
  x(0, 0) = 1;
  const Matrix f = canonical_features(x, 10, 20);
  const std::vector<double> h = response_kernel(kCanonicalResponse, 10);
  REQUIRE(f.rows() == 20);
  for (int64_t j = 0; j < 15; ++j)
    CHECK(f(j, 0) == Approx(h[size_t(20 * (j + 1) - 1)] / 10).margin(1e-12));
}

TEST_CASE("ridge regression finds a linear map, and its weights solve the normal equations") {
  const Matrix x = normal(300, 4, "x"), map = normal(4, 3, "map");
  Matrix y = x * map + 0.5 * normal(300, 3, "noise");
  y.array() += 7;
  const Part train = {{0, 200}}, valid = {{200, 300}};
  const RidgeFit fit = fit_ridge(x, y, train, valid);
  const Matrix found = fit.predict(x);
  for (int64_t q = 0; q < 3; ++q) {
    CAPTURE(q, fit.lambda[size_t(q)]);
    CHECK((found.col(q) - y.col(q)).squaredNorm() / 300 < 0.3);
    // (Z'Z + lambda I) w = Z'(y - mean)
    Eigen::MatrixXd z = (x.topRows(200).rowwise() - fit.feature_mean);
    z = z.array().rowwise() * fit.feature_scale.array();
    const Eigen::VectorXd w = fit.weights.col(q);
    const Eigen::VectorXd left = z.transpose() * (z * w) + fit.lambda[size_t(q)] * w;
    const Eigen::VectorXd right =
        z.transpose() * (y.col(q).head(200).array() - fit.target_mean(q)).matrix();
    CHECK((left - right).norm() < 1e-8 * right.norm());
  }
}

TEST_CASE("with more features than frames the dual solves the same normal equations") {
  const Matrix x = normal(60, 90, "wide");
  const Matrix y = x.leftCols(1) + normal(60, 1, "noise");
  const RidgeFit fit = fit_ridge(x, y, {{0, 40}}, {{40, 60}});
  Eigen::MatrixXd z = (x.topRows(40).rowwise() - fit.feature_mean);
  z = z.array().rowwise() * fit.feature_scale.array();
  const Eigen::VectorXd w = fit.weights.col(0);
  const Eigen::VectorXd left = z.transpose() * (z * w) + fit.lambda[0] * w;
  const Eigen::VectorXd right =
      z.transpose() * (y.col(0).head(40).array() - fit.target_mean(0)).matrix();
  CHECK((left - right).norm() < 1e-8 * right.norm());
}

TEST_CASE("targets that are noise take the greatest penalty, a feature that is constant no part") {
  Matrix x = normal(200, 5, "x");
  x.col(2).setConstant(3);
  const Matrix y = x.leftCols(1) * 2.0;
  const RidgeFit fit = fit_ridge(x, y, {{0, 150}}, {{150, 200}});
  CHECK(fit.weights(2, 0) == Approx(0).margin(1e-12));
  CHECK(fit.feature_scale(2) == 0);
  CHECK(fit.lambda[0] <= 1);
}

}  // namespace tenfold::samba_align
