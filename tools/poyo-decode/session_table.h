// What recordings hold, as a table of a result.
#pragma once

#include <vector>

#include "common/log/result.h"
#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {

// One row a session: counts, seconds of each part, rate of a unit in Hz, the standard deviation of
// the readout in the file's unit, and whether positions and accelerations are there.
log::Table session_table(const std::vector<Recording>& recordings);

// One row for every set of intervals in a session (domains, trials, phases): how many, seconds in
// all, and the ends of the first and last.
log::Table interval_table(const std::vector<Recording>& recordings);

}  // namespace tenfold::poyo_decode
