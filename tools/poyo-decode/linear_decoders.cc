#include "tools/poyo-decode/linear_decoders.h"

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "tools/poyo-decode/ridge_fit.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kWienerBin = 0.02;
constexpr int64_t kWienerBefore = 17, kWienerAfter = 2, kRidgeBefore = 2, kRidgeAfter = 1;
constexpr int64_t kRowsAtOnce = 512;
const std::vector<double> kWienerLambdas = {1, 10, 100, 1000};
const std::vector<double> kRidgeLambdas = {1, 10, 100, 300, 1000, 3000};

// Counts of every unit in rows of time, and what is decoded there.
struct Rows {
  Eigen::MatrixXd counts;  // [rows, units]
  Eigen::MatrixXd target;  // [rows, 2] velocity in the file's unit; NaN without a sample
  std::vector<double> time;
  std::vector<int64_t> group;  // a neighbour counts where it has the same
  std::vector<bool> scored;
  int64_t before = 0, after = 0;

  Eigen::Index features() const { return (before + after + 1) * counts.cols() + 1; }

  Eigen::RowVectorXd features_of(int64_t row) const {
    Eigen::RowVectorXd x = Eigen::RowVectorXd::Zero(features());
    for (int64_t tap = -before; tap <= after; ++tap) {
      const int64_t other = row + tap;
      if (other < 0 || other >= counts.rows() || group[size_t(other)] != group[size_t(row)])
        continue;
      x.segment((tap + before) * counts.cols(), counts.cols()) = counts.row(other);
    }
    x(x.size() - 1) = 1;
    return x;
  }
  Eigen::MatrixXd features_of(const std::vector<int64_t>& chosen) const {
    Eigen::MatrixXd x(int64_t(chosen.size()), features());
    for (size_t i = 0; i < chosen.size(); ++i) x.row(int64_t(i)) = features_of(chosen[i]);
    return x;
  }
};

std::vector<int64_t> rows_within(const Rows& rows, const Intervals& where, bool scored_only) {
  std::vector<int64_t> chosen;
  for (size_t i = 0; i < rows.time.size(); ++i) {
    if (std::isnan(rows.target(int64_t(i), 0)) || !contains(where, rows.time[i])) continue;
    if (!scored_only || rows.scored[i]) chosen.push_back(int64_t(i));
  }
  return chosen;
}

Eigen::MatrixXd targets_of(const Rows& rows, const std::vector<int64_t>& chosen) {
  Eigen::MatrixXd y(int64_t(chosen.size()), 2);
  for (size_t i = 0; i < chosen.size(); ++i) y.row(int64_t(i)) = rows.target.row(chosen[i]);
  return y;
}

std::optional<double> mean_r2_of(const Eigen::MatrixXd& y, const Eigen::MatrixXd& prediction) {
  double sum = 0;
  for (Eigen::Index c = 0; c < 2; ++c) {
    const double spread = (y.col(c).array() - y.col(c).mean()).square().sum();
    if (!(spread > 0)) return std::nullopt;
    sum += 1 - (y.col(c) - prediction.col(c)).squaredNorm() / spread;
  }
  return sum / 2;
}

struct Fitted {
  double lambda = 0;
  std::optional<double> valid_r2;
  Eigen::MatrixXd weights;
};

Fitted fit(const Rows& rows, const Session& session, const Intervals& training,
           const std::vector<double>& lambdas) {
  const std::vector<int64_t> train = rows_within(rows, training, false);
  if (train.empty()) throw DataError(session.recording.session + ": no training trial has samples");
  RidgeFit normal(rows.features());
  for (size_t i = 0; i < train.size(); i += size_t(kRowsAtOnce)) {
    const std::vector<int64_t> part(
        train.begin() + int64_t(i),
        train.begin() + std::min<int64_t>(int64_t(train.size()), int64_t(i) + kRowsAtOnce));
    normal.add(rows.features_of(part), targets_of(rows, part));
  }
  const std::vector<int64_t> valid = rows_within(rows, session.recording.valid_domain, true);
  const Eigen::MatrixXd x = rows.features_of(valid), y = targets_of(rows, valid);
  Fitted best;
  for (double lambda : lambdas) {
    const Eigen::MatrixXd weights = normal.solve(lambda);
    const std::optional<double> r2 =
        valid.empty() ? std::nullopt : mean_r2_of(y, Eigen::MatrixXd(x * weights));
    if (best.weights.size() == 0 || (r2 && (!best.valid_r2 || *r2 > *best.valid_r2)))
      best = {lambda, r2, weights};
  }
  return best;
}

// Predictions at the rows' times, interpolated linearly to the behaviour's samples.
SessionScore score_samples(const Session& session, const Rows& rows,
                           const Eigen::MatrixXd& weights) {
  const Recording& r = session.recording;
  SessionScore score;
  score.session = r.session;
  score.task = r.task;
  std::vector<float> target;
  for (int64_t i = 0; i < r.samples(); ++i) {
    const double t = r.sample_times[size_t(i)];
    if (!session.scored[size_t(i)] || !contains(r.test_domain, t)) continue;
    const int64_t next =
        std::lower_bound(rows.time.begin(), rows.time.end(), t) - rows.time.begin();
    const int64_t last = int64_t(rows.time.size()) - 1;
    const int64_t b = std::min(next, last),
                  a = rows.time[size_t(b)] <= t ? b : std::max<int64_t>(0, b - 1);
    const double gap = rows.time[size_t(b)] - rows.time[size_t(a)];
    const double part = gap > 0 ? (t - rows.time[size_t(a)]) / gap : 0;
    const Eigen::RowVectorXd mixed =
        (1 - part) * (rows.features_of(a) * weights) + part * (rows.features_of(b) * weights);
    score.decoded.samples.push_back(i);
    for (int64_t c = 0; c < 2; ++c) {
      score.decoded.prediction.push_back(float(mixed(c)));
      target.push_back(r.target[size_t(2 * i + c)]);
    }
  }
  score.samples = int64_t(score.decoded.samples.size());
  score.r2_x = r2_of(target, score.decoded.prediction, 0);
  score.r2_y = r2_of(target, score.decoded.prediction, 1);
  if (score.r2_x && score.r2_y) score.r2 = (*score.r2_x + *score.r2_y) / 2;
  return score;
}

LinearScore score(const Session& session, const Rows& rows, const Intervals& training,
                  const std::vector<double>& lambdas) {
  const Fitted fitted = fit(rows, session, training, lambdas);
  const std::vector<int64_t> test = rows_within(rows, session.recording.test_domain, true);
  LinearScore out;
  out.lambda = fitted.lambda;
  out.valid_r2 = fitted.valid_r2;
  if (!test.empty())
    out.test_r2 = mean_r2_of(targets_of(rows, test),
                             Eigen::MatrixXd(rows.features_of(test) * fitted.weights));
  out.test = score_samples(session, rows, fitted.weights);
  return out;
}

Rows wiener_rows(const Session& session) {
  const Recording& r = session.recording;
  if (r.domain.empty()) throw DataError(r.session + ": domain: found no interval");
  const double start = r.domain.front().start;
  const int64_t bins = int64_t(std::ceil((r.domain.back().end - start) / kWienerBin - 1e-9));
  Rows rows;
  rows.before = kWienerBefore;
  rows.after = kWienerAfter;
  rows.counts = Eigen::MatrixXd::Zero(bins, int64_t(r.units.size()));
  rows.target = Eigen::MatrixXd::Zero(bins, 2);
  rows.group.assign(size_t(bins), 0);
  rows.scored.assign(size_t(bins), false);
  for (int64_t i = 0; i < bins; ++i) rows.time.push_back(start + kWienerBin * (double(i) + 0.5));
  const auto bin_of = [&](double t) {
    return int64_t(std::floor((t - start) / kWienerBin + 1e-9));
  };
  for (int64_t i = 0; i < r.spikes(); ++i) {
    const int64_t bin = bin_of(r.spike_times[size_t(i)]);
    if (bin >= 0 && bin < bins) rows.counts(bin, r.spike_units[size_t(i)]) += 1;
  }
  std::vector<int64_t> samples(size_t(bins), 0);
  for (int64_t i = 0; i < r.samples(); ++i) {
    const int64_t bin = bin_of(r.sample_times[size_t(i)]);
    if (bin < 0 || bin >= bins) continue;
    if (samples[size_t(bin)]++ == 0) rows.scored[size_t(bin)] = session.scored[size_t(i)];
    for (int64_t c = 0; c < 2; ++c) rows.target(bin, c) += r.target[size_t(2 * i + c)];
  }
  for (int64_t b = 0; b < bins; ++b)
    rows.target.row(b) /= samples[size_t(b)] > 0 ? double(samples[size_t(b)]) : std::nan("");
  return rows;
}

// The trial of a time, or -1; rows of one trial are neighbours.
std::vector<int64_t> trial_of(const Recording& r) {
  std::vector<int64_t> trials;
  for (double t : r.sample_times) {
    int64_t found = -1;
    for (size_t k = 0; k < r.trials.intervals.size() && found < 0; ++k)
      if (r.trials.intervals[k].contains(t)) found = int64_t(k);
    trials.push_back(found);
  }
  return trials;
}

Rows ridge_rows(const Session& session, double bin) {
  const Recording& r = session.recording;
  if (bin == 0) {
    bin = INFINITY;
    for (size_t i = 1; i < r.sample_times.size(); ++i)
      bin = std::min(bin, r.sample_times[i] - r.sample_times[i - 1]);
  }
  Rows rows;
  rows.before = kRidgeBefore;
  rows.after = kRidgeAfter;
  rows.time = r.sample_times;
  rows.group = trial_of(r);
  rows.scored = session.scored;
  rows.counts = Eigen::MatrixXd::Zero(r.samples(), int64_t(r.units.size()));
  rows.target.resize(r.samples(), 2);
  for (int64_t i = 0; i < r.samples(); ++i) {
    for (int64_t c = 0; c < 2; ++c) rows.target(i, c) = r.target[size_t(2 * i + c)];
    const double t = r.sample_times[size_t(i)];
    const auto first = std::lower_bound(r.spike_times.begin(), r.spike_times.end(), t - bin / 2),
               end = std::lower_bound(first, r.spike_times.end(), t + bin / 2);
    for (auto s = first; s != end; ++s)
      rows.counts(i, r.spike_units[size_t(s - r.spike_times.begin())]) += 1;
  }
  return rows;
}

}  // namespace

LinearScore wiener_filter(const Session& session, const Intervals& training) {
  return score(session, wiener_rows(session), training, kWienerLambdas);
}

LinearScore ridge_decoder(const Session& session, const Intervals& training, double bin) {
  return score(session, ridge_rows(session, bin), training, kRidgeLambdas);
}

}  // namespace tenfold::poyo_decode
