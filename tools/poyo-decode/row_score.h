// What a decoder of rows of time reaches on a session's test trials.
#pragma once

#include <Eigen/Dense>
#include <optional>

#include "tools/poyo-decode/binned_rows.h"
#include "tools/poyo-decode/evaluation.h"

namespace tenfold::poyo_decode {

struct RowScore {
  std::optional<double> valid_r2, test_r2;  // over the decoder's own bins
  SessionScore test;                        // over the behaviour's samples
};

// `prediction` [rows, 2] normalised, NaN where there is none. Between two rows it is interpolated
// linearly to a behaviour sample; beside one the nearest holds.
RowScore score_rows(const Session& session, const BinnedRows& rows,
                    const Eigen::MatrixXd& prediction);

// The rows that score_rows reads for the test trials: those in or next to them.
std::vector<int64_t> rows_to_decode(const BinnedRows& rows, const Intervals& where);

}  // namespace tenfold::poyo_decode
