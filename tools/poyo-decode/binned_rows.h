// Spike counts in rows of time beside the velocity there, which the single-session decoders read
// (specification, sections 2.4 and 6).
#pragma once

#include <Eigen/Dense>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "tools/poyo-decode/dataset.h"

namespace tenfold::poyo_decode {

struct BinnedRows {
  double step = 0;             // seconds from one row to the next
  Eigen::MatrixXd counts;      // [rows, units]
  Eigen::MatrixXd target;      // [rows, 2] normalised velocity; NaN without a sample
  Eigen::MatrixXd position;    // [rows, 2] in the file's unit, or empty
  std::vector<double> time;    // [rows] centres, ascending
  std::vector<int64_t> group;  // [rows] a neighbour counts where it has the same
  std::vector<bool> scored;    // [rows]

  int64_t size() const { return static_cast<int64_t>(time.size()); }
  bool has_target(int64_t row) const;
  bool follows(int64_t row) const;  // whether it is one bin after the row before, in its group
};

// The least distance of two samples in seconds; DataError with fewer than two times.
double sample_distance(const Recording& recording);

// Bins [width i, width (i + 1)) from the session's start; a velocity is the mean over the samples
// in its bin, and its phase that of the first. One group. DataError without a domain.
BinnedRows session_bins(const Session& session, double width);

// One row a behaviour sample: counts within half a width of it. Groups are trials.
BinnedRows sample_bins(const Session& session, double width);

// Rows with a velocity whose centre lies in `where`.
std::vector<int64_t> rows_within(const BinnedRows& rows, const Intervals& where, bool scored_only);

// Runs [first, end) of rows one bin apart whose centres lie in `where`.
std::vector<std::pair<int64_t, int64_t>> runs_within(const BinnedRows& rows,
                                                     const Intervals& where);

Eigen::MatrixXd rows_of(const Eigen::MatrixXd& matrix, const std::vector<int64_t>& rows);
void set_rows(Eigen::MatrixXd& matrix, const std::vector<int64_t>& rows,
              const Eigen::MatrixXd& values);

// Mean R2 of both columns of `prediction` [rows, 2] over `chosen`; none without rows, or where a
// velocity does not vary.
std::optional<double> r2_of_rows(const BinnedRows& rows, const std::vector<int64_t>& chosen,
                                 const Eigen::MatrixXd& prediction);

}  // namespace tenfold::poyo_decode
