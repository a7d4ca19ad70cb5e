#include "tools/poyo-decode/binned_rows.h"

#include <algorithm>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kRounding = 1e-9;  // bins, of a time on the edge of one

// A file may have none, or not everywhere.
bool has_position(const Recording& r) {
  return !r.position.empty() && std::all_of(r.position.begin(), r.position.end(),
                                            [](float v) { return std::isfinite(v); });
}

// The trial of every sample, or -1.
std::vector<int64_t> trial_of_samples(const Recording& r) {
  std::vector<int64_t> trials;
  for (double t : r.sample_times) {
    int64_t found = -1;
    for (size_t k = 0; k < r.trials.intervals.size() && found < 0; ++k)
      if (r.trials.intervals[k].contains(t)) found = int64_t(k);
    trials.push_back(found);
  }
  return trials;
}

}  // namespace

bool BinnedRows::has_target(int64_t row) const { return !std::isnan(target(row, 0)); }

bool BinnedRows::follows(int64_t row) const {
  return row > 0 && group[size_t(row)] == group[size_t(row - 1)] &&
         time[size_t(row)] - time[size_t(row - 1)] < 1.5 * step;
}

double sample_distance(const Recording& recording) {
  double least = INFINITY;
  for (size_t i = 1; i < recording.sample_times.size(); ++i) {
    const double distance = recording.sample_times[i] - recording.sample_times[i - 1];
    if (distance > 0) least = std::min(least, distance);
  }
  if (std::isfinite(least)) return least;
  throw DataError(recording.session + ": " + recording.readout +
                  ": found fewer than two times of samples");
}

BinnedRows session_bins(const Session& session, double width) {
  const Recording& r = session.recording;
  if (r.domain.empty()) throw DataError(r.session + ": domain: found no interval");
  const double start = r.domain.front().start;
  const int64_t bins = int64_t(std::ceil((r.domain.back().end - start) / width - kRounding));
  const bool positions = has_position(r);
  BinnedRows rows;
  rows.step = width;
  rows.counts = Eigen::MatrixXd::Zero(bins, int64_t(r.units.size()));
  rows.target = Eigen::MatrixXd::Zero(bins, 2);
  if (positions) rows.position = Eigen::MatrixXd::Zero(bins, 2);
  rows.group.assign(size_t(bins), 0);
  rows.scored.assign(size_t(bins), false);
  for (int64_t i = 0; i < bins; ++i) rows.time.push_back(start + width * (double(i) + 0.5));
  const auto bin_of = [&](double t) {
    const int64_t bin = int64_t(std::floor((t - start) / width + kRounding));
    return bin < bins ? bin : -1;
  };
  for (int64_t i = 0; i < r.spikes(); ++i) {
    const int64_t bin = bin_of(r.spike_times[size_t(i)]);
    if (bin >= 0) rows.counts(bin, r.spike_units[size_t(i)]) += 1;
  }
  std::vector<int64_t> samples(size_t(bins), 0);
  for (int64_t i = 0; i < r.samples(); ++i) {
    const int64_t bin = bin_of(r.sample_times[size_t(i)]);
    if (bin < 0) continue;
    if (samples[size_t(bin)]++ == 0) rows.scored[size_t(bin)] = session.scored[size_t(i)];
    for (int64_t c = 0; c < 2; ++c) {
      rows.target(bin, c) += session.target[size_t(2 * i + c)];
      if (positions) rows.position(bin, c) += r.position[size_t(2 * i + c)];
    }
  }
  for (int64_t b = 0; b < bins; ++b) {
    const double count = samples[size_t(b)] > 0 ? double(samples[size_t(b)]) : std::nan("");
    rows.target.row(b) /= count;
    if (positions) rows.position.row(b) /= count;
  }
  return rows;
}

BinnedRows sample_bins(const Session& session, double width) {
  const Recording& r = session.recording;
  BinnedRows rows;
  rows.step = sample_distance(r);
  rows.time = r.sample_times;
  rows.group = trial_of_samples(r);
  rows.scored = session.scored;
  rows.counts = Eigen::MatrixXd::Zero(r.samples(), int64_t(r.units.size()));
  rows.target.resize(r.samples(), 2);
  const bool positions = has_position(r);
  if (positions) rows.position.resize(r.samples(), 2);
  for (int64_t i = 0; i < r.samples(); ++i) {
    for (int64_t c = 0; c < 2; ++c) {
      rows.target(i, c) = session.target[size_t(2 * i + c)];
      if (positions) rows.position(i, c) = r.position[size_t(2 * i + c)];
    }
    const double t = r.sample_times[size_t(i)];
    const auto first = std::lower_bound(r.spike_times.begin(), r.spike_times.end(), t - width / 2),
               end = std::lower_bound(first, r.spike_times.end(), t + width / 2);
    for (auto s = first; s != end; ++s)
      rows.counts(i, r.spike_units[size_t(s - r.spike_times.begin())]) += 1;
  }
  return rows;
}

std::vector<int64_t> rows_within(const BinnedRows& rows, const Intervals& where, bool scored_only) {
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < rows.size(); ++i) {
    if (!rows.has_target(i) || !contains(where, rows.time[size_t(i)])) continue;
    if (!scored_only || rows.scored[size_t(i)]) chosen.push_back(i);
  }
  return chosen;
}

std::vector<std::pair<int64_t, int64_t>> runs_within(const BinnedRows& rows,
                                                     const Intervals& where) {
  std::vector<std::pair<int64_t, int64_t>> runs;
  for (int64_t i = 0; i < rows.size(); ++i) {
    if (!contains(where, rows.time[size_t(i)])) continue;
    if (!runs.empty() && runs.back().second == i && rows.follows(i)) {
      runs.back().second = i + 1;
    } else {
      runs.emplace_back(i, i + 1);
    }
  }
  return runs;
}

Eigen::MatrixXd rows_of(const Eigen::MatrixXd& matrix, const std::vector<int64_t>& rows) {
  Eigen::MatrixXd out(int64_t(rows.size()), matrix.cols());
  for (size_t i = 0; i < rows.size(); ++i) out.row(int64_t(i)) = matrix.row(rows[i]);
  return out;
}

void set_rows(Eigen::MatrixXd& matrix, const std::vector<int64_t>& rows,
              const Eigen::MatrixXd& values) {
  for (size_t i = 0; i < rows.size(); ++i) matrix.row(rows[i]) = values.row(int64_t(i));
}

std::optional<double> r2_of_rows(const BinnedRows& rows, const std::vector<int64_t>& chosen,
                                 const Eigen::MatrixXd& prediction) {
  if (chosen.empty()) return std::nullopt;
  const Eigen::MatrixXd y = rows_of(rows.target, chosen), p = rows_of(prediction, chosen);
  double sum = 0;
  for (Eigen::Index c = 0; c < 2; ++c) {
    const double spread = (y.col(c).array() - y.col(c).mean()).square().sum();
    if (!(spread > 0)) return std::nullopt;
    sum += 1 - (y.col(c) - p.col(c)).squaredNorm() / spread;
  }
  return sum / 2;
}

}  // namespace tenfold::poyo_decode
