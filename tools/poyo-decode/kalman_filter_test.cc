#include "tools/poyo-decode/kalman_filter.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

Matrix drawn(int64_t rows, int64_t cols, std::mt19937& generator) {
  std::normal_distribution<double> normal;
  return Matrix::NullaryExpr(rows, cols, [&] { return normal(generator); });
}

KalmanModel some_model(std::mt19937& g, int64_t units) {
  KalmanModel m;
  m.a.resize(2, 2);
  m.a << 0.9, -0.2, 0.3, 0.8;
  const Matrix root = drawn(2, 2, g), root0 = drawn(2, 2, g);
  m.q = root * root.transpose();
  m.c = drawn(units, 2, g);
  m.noise = drawn(units, 1, g).array().square() + 0.1;
  m.count_mean = drawn(units, 1, g);
  m.start = drawn(2, 1, g);
  m.start_covariance = root0 * root0.transpose();
  return m;
}

// E[z_t | the counts of steps 0 .. t that are there], from the joint covariance of everything.
Vector conditional_mean(const KalmanModel& m, const Matrix& counts, int64_t t,
                        const std::vector<int64_t>& views) {
  const int64_t d = m.a.rows(), units = m.c.rows();
  std::vector<Vector> mean = {m.start};
  std::vector<Matrix> own = {m.start_covariance};
  for (int64_t s = 1; s <= t; ++s) {
    mean.push_back(m.a * mean.back());
    own.push_back(m.a * own.back() * m.a.transpose() + m.q);
  }
  const auto covariance = [&](int64_t later, int64_t earlier) {
    Matrix moved = own[size_t(earlier)];
    for (int64_t s = earlier; s < later; ++s) moved = m.a * moved;
    return moved;  // Cov(z_later, z_earlier)
  };
  std::vector<int64_t> seen;
  for (int64_t s = 0; s <= t; ++s)
    if (views[size_t(s)] >= 0) seen.push_back(s);
  const int64_t n = int64_t(seen.size());
  Matrix joint(n * units, n * units), cross(d, n * units);
  Vector off(n * units);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t si = seen[size_t(i)];
    off.segment(i * units, units) =
        counts.row(views[size_t(si)]).transpose() - m.count_mean - m.c * mean[size_t(si)];
    cross.middleCols(i * units, units) = covariance(t, si) * m.c.transpose();
    for (int64_t j = 0; j < n; ++j) {
      const int64_t sj = seen[size_t(j)];
      const Matrix between = si >= sj ? covariance(si, sj) : Matrix(covariance(sj, si).transpose());
      joint.block(i * units, j * units, units, units) = m.c * between * m.c.transpose();
    }
    joint.block(i * units, i * units, units, units) += m.noise.asDiagonal();
  }
  if (n == 0) return mean[size_t(t)];
  return mean[size_t(t)] + cross * joint.llt().solve(off);
}

}  // namespace

TEST_CASE("filtered means are those of the joint Gaussian given the counts so far") {
  for (uint32_t seed : {1, 2, 3}) {
    std::mt19937 g(seed);
    const KalmanModel m = some_model(g, 3);
    const Matrix counts = drawn(8, 3, g);
    for (const std::vector<int64_t>& views :
         {std::vector<int64_t>{0, 1, 2, 3, 4, 5}, std::vector<int64_t>{-1, -1, 3, 4, -1, 7}}) {
      const Matrix z = filtered(m, counts, views);
      for (int64_t t = 0; t < 6; ++t) {
        const Vector expected = conditional_mean(m, counts, t, views);
        CHECK((z.row(t).transpose() - expected).norm() < 1e-9);
      }
    }
  }
}

TEST_CASE("more units than a dense inverse likes and a covariance without rank are filtered too") {
  std::mt19937 g(4);
  KalmanModel m = some_model(g, 40);
  m.q.setZero();
  m.start_covariance = m.start * m.start.transpose();
  const Matrix counts = drawn(4, 40, g);
  const Matrix z = filtered(m, counts, {0, 1, 2, 3});
  CHECK((z.row(3).transpose() - conditional_mean(m, counts, 3, {0, 1, 2, 3})).norm() < 1e-9);
}

TEST_CASE("a system without noise is found exactly, and its noise is the stated least") {
  std::mt19937 g(5);
  const KalmanModel truth = some_model(g, 4);
  // Two runs of opposite sign: the mean state is 0, as a fit without a constant needs.
  Matrix state(20, 2), counts(20, 4);
  RowPairs moves, views;
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < 20; ++i) {
    if (i % 10 == 0) {
      state.row(i) << (i == 0 ? 1 : -1), (i == 0 ? 2 : -2);
    } else {
      state.row(i) = state.row(i - 1) * truth.a.transpose();
      moves.emplace_back(i - 1, i);
    }
    counts.row(i) = (truth.count_mean + truth.c * state.row(i).transpose()).transpose();
    views.emplace_back(i, i);
    rows.push_back(i);
  }
  const KalmanModel m = fit_kalman(state, counts, rows, moves, views);
  CHECK((m.a - truth.a).norm() < 1e-9);
  CHECK((m.c - truth.c).norm() < 1e-9);
  CHECK((m.count_mean - truth.count_mean).norm() < 1e-9);
  CHECK(m.q.norm() < 1e-9);
  CHECK((m.noise.array() - 1e-3).abs().maxCoeff() < 1e-9);
  CHECK((m.start_covariance - state.transpose() * state / 20).norm() < 1e-9);
}

TEST_CASE("a simulated system is found, and filtering it beats its counts alone") {
  std::mt19937 g(6);
  KalmanModel truth = some_model(g, 5);
  const Matrix root = truth.q.llt().matrixL();
  const int64_t n = 20000;
  Matrix state(n, 2), counts(n, 5);
  RowPairs moves, views;
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < n; ++i) {
    const Vector before = i == 0 ? Vector(Vector::Zero(2)) : Vector(state.row(i - 1).transpose());
    state.row(i) = (truth.a * before + root * drawn(2, 1, g)).transpose();
    counts.row(i) = (truth.count_mean + truth.c * state.row(i).transpose() +
                     truth.noise.cwiseSqrt().cwiseProduct(drawn(5, 1, g)))
                        .transpose();
    if (i > 0) moves.emplace_back(i - 1, i);
    views.emplace_back(i, i);
    rows.push_back(i);
  }
  const KalmanModel m = fit_kalman(state, counts, rows, moves, views);
  CHECK((m.a - truth.a).norm() < 0.03);
  CHECK((m.q - truth.q).norm() < 0.05 * truth.q.norm());
  CHECK((m.c - truth.c).norm() < 0.03 * truth.c.norm());
  CHECK((m.noise - truth.noise).norm() < 0.05 * truth.noise.norm());
  const Matrix decoded = filtered(m, counts, rows);
  const Matrix alone = (counts.rowwise() - m.count_mean.transpose()) *
                       m.c.completeOrthogonalDecomposition().pseudoInverse().transpose();
  CHECK((decoded - state).squaredNorm() < 0.8 * (alone - state).squaredNorm());
}

TEST_CASE("silent units and states that stand still change nothing") {
  std::mt19937 g(7);
  Matrix state = drawn(50, 3, g), counts = drawn(50, 4, g);
  state.col(2).setZero();
  counts.col(3).setConstant(0);
  RowPairs moves, views;
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < 50; ++i) {
    if (i > 0) moves.emplace_back(i - 1, i);
    views.emplace_back(i, i);
    rows.push_back(i);
  }
  const Matrix all = filtered(fit_kalman(state, counts, rows, moves, views), counts, rows);
  const Matrix fewer_counts = counts.leftCols(3), fewer_states = state.leftCols(2);
  const Matrix fewer =
      filtered(fit_kalman(fewer_states, fewer_counts, rows, moves, views), fewer_counts, rows);
  REQUIRE(all.allFinite());
  CHECK((all.leftCols(2) - fewer).norm() < 1e-9);
  CHECK(all.col(2).norm() < 1e-9);
}

TEST_CASE("without two bins in a row there is nothing to fit") {
  const Matrix state = Matrix::Ones(2, 2), counts = Matrix::Ones(2, 3);
  CHECK_THROWS_AS(fit_kalman(state, counts, {0, 1}, {}, {{0, 0}}), DataError);
}

}  // namespace tenfold::poyo_decode
