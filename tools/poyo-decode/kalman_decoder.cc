#include "tools/poyo-decode/kalman_decoder.h"

#include <algorithm>
#include <limits>

#include "common/core/error.h"
#include "tools/poyo-decode/kalman_filter.h"

namespace tenfold::poyo_decode {
namespace {

// [rows, 2 + coordinates that vary over `train`].
Eigen::MatrixXd states_of(const BinnedRows& rows, const std::vector<int64_t>& train) {
  Eigen::MatrixXd state = rows.target;
  for (Eigen::Index c = 0; c < rows.position.cols(); ++c) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (int64_t row : train) {
      low = std::min(low, rows.position(row, c));
      high = std::max(high, rows.position(row, c));
    }
    if (!(low < high)) continue;
    state.conservativeResize(Eigen::NoChange, state.cols() + 1);
    state.col(state.cols() - 1) = rows.position.col(c);
  }
  return state;
}

KalmanModel fitted(const BinnedRows& rows, const Eigen::MatrixXd& state, const Intervals& training,
                   const std::vector<int64_t>& train, int64_t lag) {
  RowPairs moves, views;
  for (const auto& [first, end] : runs_within(rows, training)) {
    for (int64_t i = first; i < end; ++i) {
      if (!rows.has_target(i)) continue;
      if (i > first && rows.has_target(i - 1)) moves.emplace_back(i - 1, i);
      if (i - lag >= first) views.emplace_back(i - lag, i);
    }
  }
  return fit_kalman(state, rows.counts, train, moves, views);
}

// Velocities of the rows of `where`, each run from its start.
void decode(const BinnedRows& rows, const KalmanModel& model, const Intervals& where, int64_t lag,
            Eigen::MatrixXd& prediction) {
  for (const auto& [first, end] : runs_within(rows, where)) {
    std::vector<int64_t> views;
    for (int64_t i = first; i < end; ++i) views.push_back(std::max<int64_t>(i - lag, -1));
    prediction.middleRows(first, end - first) = filtered(model, rows.counts, views).leftCols(2);
  }
}

}  // namespace

KalmanScore kalman_decoder(const Session& session, const BinnedRows& rows,
                           const Intervals& training, int64_t most_lag) {
  const Recording& r = session.recording;
  const std::vector<int64_t> train = rows_within(rows, training, false);
  const Eigen::MatrixXd state = states_of(rows, train);
  KalmanScore best;
  for (int64_t lag = 0; lag <= most_lag; ++lag) {
    Eigen::MatrixXd prediction =
        Eigen::MatrixXd::Constant(rows.size(), 2, std::numeric_limits<double>::quiet_NaN());
    try {
      const KalmanModel model = fitted(rows, state, training, train, lag);
      decode(rows, model, r.valid_domain, lag, prediction);
      decode(rows, model, r.test_domain, lag, prediction);
    } catch (const DataError& error) {
      if (lag > 0) break;  // the training trials are shorter than the lag
      throw DataError(r.session + ": " + error.what());
    }
    KalmanScore score;
    static_cast<RowScore&>(score) = score_rows(session, rows, prediction);
    score.lag = lag;
    score.coordinates = state.cols() - 2;
    if (lag == 0 || (score.valid_r2 && (!best.valid_r2 || *score.valid_r2 > *best.valid_r2)))
      best = std::move(score);
  }
  return best;
}

}  // namespace tenfold::poyo_decode
