// Canonical correlation analysis as a predictor (specification, section 6).
#pragma once

#include <cstdint>
#include <vector>

#include "tools/samba-align/matrix.h"
#include "tools/samba-align/parts.h"

namespace tenfold::samba_align {

struct CanonicalPairs {
  Eigen::RowVectorXd x_mean, y_mean;
  Eigen::MatrixXd x_weights, y_weights;  // [features, pairs], [targets, pairs], best first
  Eigen::VectorXd correlations;          // under the regularised covariances
};

// Of the rows of x and y, under the covariances C + `regularised` (tr C / dim) I.
CanonicalPairs canonical_pairs(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y,
                               double regularised);

struct CcaFit {
  int64_t pairs = 0;  // by mean correlation on the valid frames
  Eigen::RowVectorXd x_mean, y_mean;
  Eigen::MatrixXd map;  // [features, targets]

  Matrix predict(const Matrix& features) const;  // [frames, targets]
};

// Features [frames, n] and targets [frames, m]: the targets are regressed on the first 1, 2, 5, 10
// or 20 canonical variates of the features (fewer than min(n, m)), found on `train` with
// covariances regularised by a tenth.
CcaFit fit_cca(const Matrix& features, const Matrix& targets, const Part& train, const Part& valid);

}  // namespace tenfold::samba_align
