#include "tools/poyo-decode/row_score.h"

#include <algorithm>
#include <cmath>

namespace tenfold::poyo_decode {
namespace {

// At the time t; NaN where neither neighbour has a prediction.
Eigen::RowVector2d interpolated(const BinnedRows& rows, const Eigen::MatrixXd& prediction,
                                double t) {
  const int64_t last = rows.size() - 1;
  const int64_t next = std::min<int64_t>(
      last, std::lower_bound(rows.time.begin(), rows.time.end(), t) - rows.time.begin());
  const int64_t before = rows.time[size_t(next)] <= t ? next : std::max<int64_t>(0, next - 1);
  if (std::isnan(prediction(before, 0))) return prediction.row(next);
  const double gap = rows.time[size_t(next)] - rows.time[size_t(before)];
  if (!(gap > 0) || std::isnan(prediction(next, 0))) return prediction.row(before);
  const double part = (t - rows.time[size_t(before)]) / gap;
  return (1 - part) * prediction.row(before) + part * prediction.row(next);
}

}  // namespace

RowScore score_rows(const Session& session, const BinnedRows& rows,
                    const Eigen::MatrixXd& prediction) {
  const Recording& r = session.recording;
  RowScore out;
  const auto has_prediction = [&](std::vector<int64_t> chosen) {
    chosen.erase(std::remove_if(chosen.begin(), chosen.end(),
                                [&](int64_t row) { return std::isnan(prediction(row, 0)); }),
                 chosen.end());
    return chosen;
  };
  out.valid_r2 =
      r2_of_rows(rows, has_prediction(rows_within(rows, r.valid_domain, true)), prediction);
  out.test_r2 =
      r2_of_rows(rows, has_prediction(rows_within(rows, r.test_domain, true)), prediction);
  Stitch samples(r.samples());
  for (int64_t i = 0; i < r.samples() && rows.size() > 0; ++i) {
    const double t = r.sample_times[size_t(i)];
    if (!session.scored[size_t(i)] || !contains(r.test_domain, t)) continue;
    const Eigen::RowVector2f p = interpolated(rows, prediction, t).cast<float>();
    if (!std::isnan(p(0))) samples.add(i, p.data());
  }
  out.test.session = r.session;
  out.test.task = r.task;
  score_stitched(session, r.test_domain, samples, out.test);
  return out;
}

std::vector<int64_t> rows_to_decode(const BinnedRows& rows, const Intervals& where) {
  std::vector<int64_t> chosen;
  const Intervals wider = merged(dilated(where, rows.step));
  for (int64_t i = 0; i < rows.size(); ++i)
    if (contains(wider, rows.time[size_t(i)])) chosen.push_back(i);
  return chosen;
}

}  // namespace tenfold::poyo_decode
