// What recordings hold, as a table of a result.
#pragma once

#include <vector>

#include "common/log/result.h"
#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {

// One row a session: counts, seconds of each part, rate of a unit in Hz, and the standard deviation
// of the readout in the file's unit.
log::Table session_table(const std::vector<Recording>& recordings);

}  // namespace tenfold::poyo_decode
