#include "tools/samba-align/ridge_baseline.h"

#include <Eigen/Dense>
#include <cmath>
#include <limits>

#include "common/stats/correlation.h"
#include "tools/samba-align/causal_convolution.h"
#include "tools/samba-align/haemodynamic_response.h"

namespace tenfold::samba_align {
namespace {

std::vector<double> column_of(const Eigen::MatrixXd& m, int64_t c) {
  return {m.col(c).data(), m.col(c).data() + m.rows()};
}

}  // namespace

Matrix rows_of(const Matrix& m, const Part& part) {
  const std::vector<int64_t> frames = frame_numbers(part);
  Matrix rows(int64_t(frames.size()), m.cols());
  for (size_t i = 0; i < frames.size(); ++i) rows.row(int64_t(i)) = m.row(frames[i]);
  return rows;
}

Matrix canonical_features(const Matrix& x, double rate, int64_t block) {
  const std::vector<double> h = response_kernel(kCanonicalResponse, rate);
  const int64_t frames = x.cols() / block;
  Matrix out(frames, x.rows());
  for (int64_t p = 0; p < x.rows(); ++p) {
    const std::vector<double> row(x.row(p).data(), x.row(p).data() + x.cols());
    const std::vector<double> y = convolve_causal(row, h);
    for (int64_t j = 0; j < frames; ++j) out(j, p) = y[size_t((j + 1) * block - 1)] / rate;
  }
  return out;
}

Matrix RidgeFit::predict(const Matrix& features) const {
  const Eigen::MatrixXd z =
      (features.rowwise() - feature_mean).array().rowwise() * feature_scale.array();
  return (z * weights).rowwise() + target_mean;
}

RidgeFit fit_ridge(const Matrix& features, const Matrix& targets, const Part& train,
                   const Part& valid) {
  RidgeFit fit;
  const Eigen::MatrixXd x = rows_of(features, train), y = rows_of(targets, train);
  fit.feature_mean = x.colwise().mean();
  fit.target_mean = y.colwise().mean();
  Eigen::MatrixXd z = x.rowwise() - fit.feature_mean;
  const Eigen::RowVectorXd deviation =
      (z.colwise().squaredNorm() / double(std::max<int64_t>(1, z.rows() - 1))).cwiseSqrt();
  // A feature that varies by its rounding alone says nothing.
  constexpr double kRounding = 1e-12;
  fit.feature_scale = (deviation.array() > kRounding * fit.feature_mean.array().abs())
                          .select(deviation.cwiseInverse(), 0.0);
  z = z.array().rowwise() * fit.feature_scale.array();
  const Eigen::MatrixXd deviations = y.rowwise() - fit.target_mean;
  // (Z'Z + lambda)^-1 Z' = Z' (ZZ' + lambda)^-1: whichever is smaller is turned to its axes.
  const bool dual = z.cols() > z.rows();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(
      dual ? Eigen::MatrixXd(z * z.transpose()) : Eigen::MatrixXd(z.transpose() * z));
  const Eigen::MatrixXd turned = solver.eigenvectors().transpose() *
                                 (dual ? deviations : Eigen::MatrixXd(z.transpose() * deviations));
  const Eigen::MatrixXd back =
      dual ? Eigen::MatrixXd(z.transpose() * solver.eigenvectors()) : solver.eigenvectors();
  fit.weights = Matrix::Zero(x.cols(), y.cols());
  fit.lambda.assign(size_t(y.cols()), 0);
  std::vector<double> best(fit.lambda.size(), -std::numeric_limits<double>::infinity());
  const Eigen::MatrixXd truth = rows_of(targets, valid);
  const Matrix unseen = rows_of(features, valid);
  for (int e = -1; e <= 5; ++e) {
    const double lambda = std::pow(10.0, e);
    RidgeFit tried = fit;
    tried.weights =
        back * (solver.eigenvalues().array() + lambda).inverse().matrix().asDiagonal() * turned;
    const Eigen::MatrixXd found = tried.predict(unseen);
    for (int64_t q = 0; q < y.cols(); ++q) {
      const double r = stats::correlation(column_of(found, q), column_of(truth, q))
                           .value_or(-std::numeric_limits<double>::infinity());
      if (!(r > best[size_t(q)]) && e > -1) continue;
      best[size_t(q)] = r;
      fit.lambda[size_t(q)] = lambda;
      fit.weights.col(q) = tried.weights.col(q);
    }
  }
  return fit;
}

}  // namespace tenfold::samba_align
