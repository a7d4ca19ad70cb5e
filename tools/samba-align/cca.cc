#include "tools/samba-align/cca.h"

#include <Eigen/Dense>
#include <limits>

#include "common/stats/correlation.h"
#include "tools/samba-align/ridge_baseline.h"

namespace tenfold::samba_align {
namespace {

using Eigen::MatrixXd;

// (C + share (tr C / dim) I)^(-1/2) of centred rows.
MatrixXd whitener(const MatrixXd& centred, double share) {
  MatrixXd c = centred.transpose() * centred / double(centred.rows() - 1);
  c.diagonal().array() += share * c.trace() / double(c.rows());
  return Eigen::SelfAdjointEigenSolver<MatrixXd>(c).operatorInverseSqrt();
}

double mean_correlation(const MatrixXd& found, const MatrixXd& truth) {
  double sum = 0;
  for (int64_t q = 0; q < truth.cols(); ++q) {
    const auto column = [q](const MatrixXd& m) {
      return std::vector<double>(m.col(q).data(), m.col(q).data() + m.rows());
    };
    sum += stats::correlation(column(found), column(truth)).value_or(0);
  }
  return sum / double(truth.cols());
}

}  // namespace

CanonicalPairs canonical_pairs(const MatrixXd& x, const MatrixXd& y, double regularised) {
  CanonicalPairs pairs;
  pairs.x_mean = x.colwise().mean();
  pairs.y_mean = y.colwise().mean();
  const MatrixXd u = x.rowwise() - pairs.x_mean, v = y.rowwise() - pairs.y_mean;
  const MatrixXd white_x = whitener(u, regularised), white_y = whitener(v, regularised);
  const MatrixXd between = white_x * (u.transpose() * v / double(u.rows() - 1)) * white_y;
  const Eigen::BDCSVD<MatrixXd> svd(between, Eigen::ComputeThinU | Eigen::ComputeThinV);
  pairs.x_weights = white_x * svd.matrixU();
  pairs.y_weights = white_y * svd.matrixV();
  pairs.correlations = svd.singularValues();
  return pairs;
}

Matrix CcaFit::predict(const Matrix& features) const {
  return ((features.rowwise() - x_mean) * map).rowwise() + y_mean;
}

CcaFit fit_cca(const Matrix& features, const Matrix& targets, const Part& train,
               const Part& valid) {
  const MatrixXd x = rows_of(features, train), y = rows_of(targets, train);
  const CanonicalPairs pairs = canonical_pairs(x, y, 0.1);
  const MatrixXd variates = (x.rowwise() - pairs.x_mean) * pairs.x_weights;
  const MatrixXd centred = y.rowwise() - pairs.y_mean;
  const Matrix unseen = rows_of(features, valid);
  const MatrixXd truth = rows_of(targets, valid);
  CcaFit best;
  double best_r = -std::numeric_limits<double>::infinity();
  for (const int64_t k : {1, 2, 5, 10, 20}) {
    if (k > 1 && k >= std::min(x.cols(), y.cols())) break;
    CcaFit fit;
    fit.pairs = k;
    fit.x_mean = pairs.x_mean;
    fit.y_mean = pairs.y_mean;
    const MatrixXd first = variates.leftCols(k);
    const MatrixXd slopes = first.colPivHouseholderQr().solve(centred);
    fit.map = pairs.x_weights.leftCols(k) * slopes;
    const double r = mean_correlation(fit.predict(unseen), truth);
    if (r <= best_r) continue;
    best_r = r;
    best = fit;
  }
  return best;
}

}  // namespace tenfold::samba_align
