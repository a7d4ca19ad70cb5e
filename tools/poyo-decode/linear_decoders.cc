#include "tools/poyo-decode/linear_decoders.h"

#include <algorithm>
#include <limits>

#include "common/core/error.h"
#include "tools/poyo-decode/ridge_fit.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kWienerBin = 0.02;
constexpr int64_t kRowsAtOnce = 512;
const std::vector<double> kWienerLambdas = {1, 10, 100, 1000};
const std::vector<double> kRidgeLambdas = {1, 10, 100, 300, 1000, 3000};

// Counts of rows -before .. after around a row, and a constant.
struct Taps {
  int64_t before = 0, after = 0;

  Eigen::Index features(const BinnedRows& rows) const {
    return (before + after + 1) * rows.counts.cols() + 1;
  }
  Eigen::RowVectorXd at(const BinnedRows& rows, int64_t row) const {
    Eigen::RowVectorXd x = Eigen::RowVectorXd::Zero(features(rows));
    for (int64_t tap = -before; tap <= after; ++tap) {
      const int64_t other = row + tap;
      if (other < 0 || other >= rows.size() || rows.group[size_t(other)] != rows.group[size_t(row)])
        continue;
      x.segment((tap + before) * rows.counts.cols(), rows.counts.cols()) = rows.counts.row(other);
    }
    x(x.size() - 1) = 1;
    return x;
  }
  Eigen::MatrixXd at(const BinnedRows& rows, const std::vector<int64_t>& chosen) const {
    Eigen::MatrixXd x(int64_t(chosen.size()), features(rows));
    for (size_t i = 0; i < chosen.size(); ++i) x.row(int64_t(i)) = at(rows, chosen[i]);
    return x;
  }
};
constexpr Taps kWienerTaps = {17, 2}, kRidgeTaps = {2, 1};

RidgeFit normal_equations(const BinnedRows& rows, const Taps& taps,
                          const std::vector<int64_t>& train) {
  RidgeFit normal(taps.features(rows));
  for (size_t i = 0; i < train.size(); i += size_t(kRowsAtOnce)) {
    const std::vector<int64_t> part(
        train.begin() + int64_t(i),
        train.begin() + std::min<int64_t>(int64_t(train.size()), int64_t(i) + kRowsAtOnce));
    normal.add(taps.at(rows, part), rows_of(rows.target, part));
  }
  return normal;
}

LinearScore best_of(const Session& session, const BinnedRows& rows, const Taps& taps,
                    const Intervals& training, const std::vector<double>& lambdas) {
  const std::vector<int64_t> train = rows_within(rows, training, false);
  if (train.empty()) throw DataError(session.recording.session + ": no training trial has samples");
  const RidgeFit normal = normal_equations(rows, taps, train);
  const std::vector<int64_t> valid = rows_within(rows, session.recording.valid_domain, true),
                             test = rows_to_decode(rows, session.recording.test_domain);
  const Eigen::MatrixXd x = taps.at(rows, valid), x_test = taps.at(rows, test);
  LinearScore best;
  Eigen::MatrixXd prediction =
      Eigen::MatrixXd::Constant(rows.size(), 2, std::numeric_limits<double>::quiet_NaN());
  for (double lambda : lambdas) {
    const Eigen::MatrixXd weights = normal.solve(lambda);
    set_rows(prediction, valid, x * weights);
    const std::optional<double> r2 = r2_of_rows(rows, valid, prediction);
    if (best.lambda != 0 && !(r2 && (!best.valid_r2 || *r2 > *best.valid_r2))) continue;
    set_rows(prediction, test, x_test * weights);
    static_cast<RowScore&>(best) = score_rows(session, rows, prediction);
    best.lambda = lambda;
  }
  return best;
}

}  // namespace

LinearScore wiener_filter(const Session& session, const Intervals& training) {
  return best_of(session, session_bins(session, kWienerBin), kWienerTaps, training, kWienerLambdas);
}

LinearScore ridge_decoder(const Session& session, const Intervals& training, double bin) {
  const double width = bin > 0 ? bin : sample_distance(session.recording);
  return best_of(session, sample_bins(session, width), kRidgeTaps, training, kRidgeLambdas);
}

}  // namespace tenfold::poyo_decode
