// Recordings as a stored model reads them.
#pragma once

#include "tools/poyo-decode/dataset.h"
#include "tools/poyo-decode/spike_controls.h"
#include "tools/poyo-decode/stored_run.h"

namespace tenfold::poyo_decode {

// The recordings of `given`, or, where it names none, those that the model was trained on; of these
// the sessions of `given` where it names some. Spikes are binned as in training unless `controls`
// bins them. Throws Mismatch for a unit or session that the model
// does not know.
Dataset stored_dataset(const StoredRun& stored, const DataConfig& given, SpikeControls controls);

}  // namespace tenfold::poyo_decode
