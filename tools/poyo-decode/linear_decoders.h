// The linear decoders that POYO is compared with: a Wiener filter on 20 ms bins (specification,
// section 6.1) and ridge regression on the behaviour's own bins (sections 2.4 and 6.2).
#pragma once

#include "tools/poyo-decode/row_score.h"

namespace tenfold::poyo_decode {

struct LinearScore : RowScore {
  double lambda = 0;  // of the best R2 on the valid trials; without one the least
};

// Trained on the trials of `training` (see training_trials), which few-shot runs cut. Bins
// [0.02 i, 0.02 (i + 1)) from the session's start, counts of bins i - 17 .. i + 2 and a constant.
LinearScore wiener_filter(const Session& session, const Intervals& training);

// Rows are behaviour samples, counts within half a bin of them; of rows i - 2 .. i + 1 inside the
// trial, and a constant. `bin` seconds; 0: the least distance of two samples.
LinearScore ridge_decoder(const Session& session, const Intervals& training, double bin);

}  // namespace tenfold::poyo_decode
