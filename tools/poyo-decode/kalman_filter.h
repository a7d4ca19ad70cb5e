// A Kalman filter from spike counts to movement (specification, section 6.3; Wu et al. 2006).
#pragma once

#include <Eigen/Dense>
#include <cstdint>
#include <utility>
#include <vector>

namespace tenfold::poyo_decode {

// z_{t+1} = a z_t + N(0, q), counts - count_mean = c z + N(0, diag(noise)), and the state's mean
// and covariance at the start of a run.
struct KalmanModel {
  Eigen::MatrixXd a, q, c;  // [d, d], [d, d], [units, d]
  Eigen::VectorXd noise, count_mean, start;
  Eigen::MatrixXd start_covariance;  // [d, d]
};

// Pairs of rows: (from, to) of the state, or (counts, state).
using RowPairs = std::vector<std::pair<int64_t, int64_t>>;

// Least squares without a constant; 1e-3 is added to every unit's residual variance, so a silent
// unit says nothing. A state that does not vary gets the solution of least norm. `rows` (of state
// and counts) give the means. Throws DataError where `rows`, `moves` or `views` is empty.
KalmanModel fit_kalman(const Eigen::MatrixXd& state, const Eigen::MatrixXd& counts,
                       const std::vector<int64_t>& rows, const RowPairs& moves,
                       const RowPairs& views);

// Filtered means [views, d] of one run, from its start; `views` are rows of `counts`, -1: none.
Eigen::MatrixXd filtered(const KalmanModel& model, const Eigen::MatrixXd& counts,
                         const std::vector<int64_t>& views);

}  // namespace tenfold::poyo_decode
