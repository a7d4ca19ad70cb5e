// Internal to common/io: the events and annotations of a FIF file.
#pragma once

#include <cstdint>
#include <vector>

#include "common/io/fif_tags.h"
#include "common/io/signals.h"

namespace tenfold::io {

// In seconds since acquisition began; empty where the file has none.
std::vector<SignalEvent> read_fif_events(const FifTree& tree, double rate_hz);
std::vector<SignalEvent> read_fif_annotations(const FifTree& tree);

}  // namespace tenfold::io
