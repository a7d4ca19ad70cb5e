// What is done to the spikes of a recording to see what a decoder lives on (specification, section
// 6, ablations): which unit fired, and exactly when.
#pragma once

#include <cstdint>

#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {

struct SpikeControls {
  bool shuffle_units = false;  // the units of a session trade their names at random
  double jitter = 0;           // seconds; every spike moves by U(-jitter, jitter), not before 0
  double bin = 0;              // seconds; then moves to the middle of its bin [k bin, (k + 1) bin)
  uint64_t seed = 0;           // of permutation and jitter, with the session's name
};

// Spikes stay sorted; those of one time keep their order.
void apply(const SpikeControls& controls, Recording& recording);

}  // namespace tenfold::poyo_decode
