#include "tools/samba-align/fmri_noise.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::samba_align {
namespace {

Matrix correlation(const Matrix& m) {
  Matrix c = m.colwise() - m.rowwise().mean().eval();
  c.rowwise().normalize();
  return c * c.transpose();
}

double autocovariance(const Matrix& m, int64_t lag) {
  const int64_t n = m.cols() - lag;
  return m.leftCols(n).cwiseProduct(m.rightCols(n)).mean();
}

// Around the circle, as a discrete spectrum says it.
double circular_autocovariance(const Eigen::RowVectorXd& x, int64_t lag) {
  double sum = 0;
  for (int64_t i = 0; i < x.size(); ++i) sum += x[i] * x[(i + lag) % x.size()];
  return sum / double(x.size() - 1);
}

}  // namespace

TEST_CASE("noise has unit variance and the AR(1) coefficient from its first frame on") {
  for (const double a : {0.0, 0.5, -0.7}) {
    CAPTURE(a);
    const Matrix m = autoregressive_noise(300, 1000, a, 1, "x");
    CHECK(autocovariance(m, 0) == Approx(1).margin(0.01));
    CHECK(autocovariance(m, 1) == Approx(a).margin(0.01));
    CHECK(autocovariance(m, 3) == Approx(a * a * a).margin(0.01));
    CHECK(m.col(0).squaredNorm() / 300 == Approx(1).margin(0.25));
    CHECK(m.row(0).dot(m.row(1)) / 1000 == Approx(0).margin(0.25));
  }
}

TEST_CASE("surrogates keep spectra and correlations of the real series") {
  for (const int64_t frames : {400, 401}) {
    CAPTURE(frames);
    const Matrix own = autoregressive_noise(3, 450, 0.8, 1, "real");
    Matrix real = own;
    real.row(1) = 5 * own.row(0) + 3 * own.row(1);
    real.array() += 100;
    const Matrix s = surrogate_noise(real, frames, 1, "x"), used = real.leftCols(frames);
    REQUIRE(s.cols() == frames);
    CHECK((correlation(s) - correlation(used)).cwiseAbs().maxCoeff() < 1e-10);
    for (int64_t q = 0; q < 3; ++q) {
      Eigen::RowVectorXd centred = used.row(q).array() - used.row(q).mean();
      centred /= std::sqrt(centred.squaredNorm() / double(frames - 1));
      for (const int64_t lag : {0, 1, 7}) {
        CHECK(circular_autocovariance(s.row(q), lag) ==
              Approx(circular_autocovariance(centred, lag)).margin(1e-10));
      }
      CHECK(std::abs(s.row(q).dot(centred)) / double(frames) < 0.4);  // another series all the same
    }
    CHECK(surrogate_noise(real, frames, 2, "x") != s);
  }
  Matrix dead = Matrix::Random(2, 10);
  dead.row(1).setConstant(4);
  CHECK_THROWS_WITH(surrogate_noise(dead, 10, 1, "x"), Catch::Contains("parcel 1"));
}

TEST_CASE("drift is a line whose total is uniform within its bounds") {
  const Matrix d = linear_drift(2000, 11, 0.5, 1, "x");
  CHECK(d.col(0).isZero());
  CHECK((d.col(5) - d.col(10) / 2).cwiseAbs().maxCoeff() < 1e-15);
  CHECK(d.col(10).cwiseAbs().maxCoeff() <= 0.5);
  CHECK(d.col(10).cwiseAbs().maxCoeff() > 0.49);
  CHECK(d.col(10).squaredNorm() / 2000 == Approx(0.25 / 3).epsilon(0.05));
}

TEST_CASE("crosstalk of independent targets has their variance") {
  const Matrix r = crosstalk_mixing(200, 1, "x");
  CHECK(r.squaredNorm() / 200 == Approx(1).epsilon(0.02));
}

}  // namespace tenfold::samba_align
