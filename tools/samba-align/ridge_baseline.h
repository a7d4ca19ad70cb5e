// The baseline that a learned response has to beat: the electrophysiology filtered with one fixed
// response, and ridge regression (specification, section 6).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tools/samba-align/matrix.h"
#include "tools/samba-align/parts.h"

namespace tenfold::samba_align {

// The rows of these frames, stretch after stretch.
Matrix rows_of(const Matrix& m, const Part& part);

// x [parcels, samples] filtered causally over the whole recording with the canonical response and
// read at every frame's last sample: [frames, parcels].
Matrix canonical_features(const Matrix& x, double rate, int64_t block);

struct RidgeFit {
  Matrix weights;  // [parcels, targets], of the scaled features
  Eigen::RowVectorXd feature_mean, feature_scale, target_mean;
  std::vector<double> lambda;  // [targets], by correlation on the valid frames

  Matrix predict(const Matrix& features) const;  // [frames, targets]
};

// Features [frames, parcels], targets [frames, targets]: fitted on `train`, penalties 10^-1 .. 10^5
// chosen for every target by the correlation on `valid`.
RidgeFit fit_ridge(const Matrix& features, const Matrix& targets, const Part& train,
                   const Part& valid);

}  // namespace tenfold::samba_align
