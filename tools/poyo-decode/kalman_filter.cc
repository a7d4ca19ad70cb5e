#include "tools/poyo-decode/kalman_filter.h"

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kLeastNoise = 1e-3;

Eigen::MatrixXd gathered(const Eigen::MatrixXd& m, const RowPairs& pairs, bool second) {
  Eigen::MatrixXd out(int64_t(pairs.size()), m.cols());
  for (size_t i = 0; i < pairs.size(); ++i)
    out.row(int64_t(i)) = m.row(second ? pairs[i].second : pairs[i].first);
  return out;
}

// W of least norm that minimises |x W' - y|: [columns of y, columns of x].
Eigen::MatrixXd least_squares(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y) {
  const Eigen::MatrixXd square = x.transpose() * x;
  return square.completeOrthogonalDecomposition().solve(x.transpose() * y).transpose();
}

}  // namespace

KalmanModel fit_kalman(const Eigen::MatrixXd& state, const Eigen::MatrixXd& counts,
                       const std::vector<int64_t>& rows, const RowPairs& moves,
                       const RowPairs& views) {
  if (rows.empty() || moves.empty() || views.empty())
    throw DataError("no two consecutive bins of a training trial have samples");
  KalmanModel m;
  m.count_mean = Eigen::VectorXd::Zero(counts.cols());
  m.start = Eigen::VectorXd::Zero(state.cols());
  for (int64_t row : rows) {
    m.count_mean += counts.row(row).transpose() / double(rows.size());
    m.start += state.row(row).transpose() / double(rows.size());
  }
  m.start_covariance = Eigen::MatrixXd::Zero(state.cols(), state.cols());
  for (int64_t row : rows) {
    const Eigen::VectorXd off = state.row(row).transpose() - m.start;
    m.start_covariance += off * off.transpose() / double(rows.size());
  }
  const Eigen::MatrixXd from = gathered(state, moves, false), to = gathered(state, moves, true);
  m.a = least_squares(from, to);
  const Eigen::MatrixXd moved = to - from * m.a.transpose();
  m.q = moved.transpose() * moved / double(moves.size());
  const Eigen::MatrixXd seen = gathered(counts, views, false).rowwise() - m.count_mean.transpose();
  const Eigen::MatrixXd of = gathered(state, views, true);
  m.c = least_squares(of, seen);
  m.noise =
      (seen - of * m.c.transpose()).colwise().squaredNorm().transpose() / double(views.size());
  m.noise.array() += kLeastNoise;
  return m;
}

Eigen::MatrixXd filtered(const KalmanModel& m, const Eigen::MatrixXd& counts,
                         const std::vector<int64_t>& views) {
  const Eigen::Index d = m.a.rows();
  // In the form that inverts a [d, d] matrix instead of a [units, units] one; the noise is
  // diagonal.
  const Eigen::MatrixXd weighted = m.noise.cwiseInverse().asDiagonal() * m.c;
  const Eigen::MatrixXd information = m.c.transpose() * weighted;
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(d, d);
  Eigen::MatrixXd out(int64_t(views.size()), d);
  Eigen::VectorXd z = m.start;
  Eigen::MatrixXd p = m.start_covariance;
  for (size_t t = 0; t < views.size(); ++t) {
    if (t > 0) {
      z = m.a * z;
      p = m.a * p * m.a.transpose() + m.q;
    }
    if (views[t] >= 0) {
      const Eigen::VectorXd off = counts.row(views[t]).transpose() - m.count_mean;
      const Eigen::VectorXd news = weighted.transpose() * off - information * z;
      const Eigen::MatrixXd after = (identity + p * information).partialPivLu().solve(p);
      p = (after + after.transpose()) / 2;
      z += p * news;
    }
    out.row(int64_t(t)) = z.transpose();
  }
  return out;
}

}  // namespace tenfold::poyo_decode
