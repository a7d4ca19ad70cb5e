#include "tools/samba-align/cca.h"

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

Matrix normal(int64_t rows, int64_t columns, const char* name) {
  const Stream s(7, name);
  Matrix m(rows, columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) m(i, j) = s.normal(uint64_t(i * columns + j));
  return m;
}

}  // namespace

TEST_CASE("canonical correlations are the roots of the eigenvalues that NumPy finds") {
  const int64_t n = 50;
  Eigen::MatrixXd x(n, 4), y(n, 3);
  for (int64_t i = 0; i < n; ++i) {
    const auto t = double(i);
    for (int64_t j = 0; j < 4; ++j)
      x(i, j) = std::sin(1.3 * t + 0.7 * double(j * j)) + 0.2 * std::cos(0.9 * t * double(j + 1));
    y.row(i) << x(i, 0) + 0.5 * std::sin(2.1 * t), 0.3 * x(i, 1) + std::cos(3.7 * t),
        std::sin(0.11 * t * t);
  }
  const CanonicalPairs pairs = canonical_pairs(x, y, 0.1);
  // numpy 2.4.6, R(c) = c + 0.1*trace(c)/len(c)*eye(len(c)): sqrt(sort(eigvals(solve(R(cov(x)),
  // cov(x, y)) @ solve(R(cov(y)), cov(y, x)))))
  const double expected[] = {0.85122116, 0.27438336, 0.03818713};
  REQUIRE(pairs.correlations.size() == 3);
  for (int64_t k = 0; k < 3; ++k) CHECK(pairs.correlations[k] == Approx(expected[k]).margin(1e-7));
}

TEST_CASE("canonical variates of Gaussian directions find what two sides share") {
  const Matrix shared = normal(400, 2, "shared");
  const Matrix x = shared * normal(2, 12, "to x") + 0.1 * normal(400, 12, "noise x");
  Matrix y = shared * normal(2, 15, "to y") + 0.1 * normal(400, 15, "noise y");
  y.array() -= 4;
  const CcaFit fit = fit_cca(x, y, {{0, 250}}, {{260, 320}});
  CHECK(fit.pairs >= 2);
  const Matrix found = fit.predict(x), rest = (y - found).bottomRows(80);
  CHECK(rest.squaredNorm() < 0.05 * (y.bottomRows(80).rowwise() - fit.y_mean).squaredNorm());
  // The means are kept.
  CHECK((found.topRows(250).colwise().mean() - y.topRows(250).colwise().mean()).norm() < 1e-9);
}

TEST_CASE("with few targets there are fewer pairs than targets") {
  const Matrix x = normal(100, 6, "x");
  const Matrix y = x.leftCols(3);
  CHECK(fit_cca(x, y, {{0, 60}}, {{60, 100}}).pairs < 3);
  CHECK(fit_cca(x, x.leftCols(1), {{0, 60}}, {{60, 100}}).pairs == 1);
}

}  // namespace tenfold::samba_align
