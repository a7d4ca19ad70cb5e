// A session decoded by the Kalman filter of kalman_filter.h (specification, section 6.3).
#pragma once

#include <cstdint>

#include "tools/poyo-decode/row_score.h"

namespace tenfold::poyo_decode {

struct KalmanScore : RowScore {
  int64_t lag = 0;          // bins by which spikes lead: of the best R2 on the valid trials, else 0
  int64_t coordinates = 0;  // of a position in the state, beside the velocity
};

// Trained on the trials of `training`. The state is the velocity and those coordinates of the
// position that vary. A gap in time starts a new run; rows without a velocity are filtered over.
// Throws DataError naming the session where no two bins of a training trial follow each other.
KalmanScore kalman_decoder(const Session& session, const BinnedRows& rows,
                           const Intervals& training, int64_t most_lag);

}  // namespace tenfold::poyo_decode
