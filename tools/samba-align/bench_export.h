// A bench case as other programs read it (scripts/peers).
#pragma once

#include <string>

#include "tools/samba-align/bench_cases.h"

namespace tenfold::samba_align {

// FOLDER/step-BATCH.safetensors: weight/NAME, the batch (x, y, and teacher as 0 and 1), and what
// we make of it without dropout and with the true first frame: `output` [batch, targets, frames],
// and in the metadata the loss and the norm of its gradient.
void export_case(const std::string& folder, const BenchCase& c, uint64_t seed);

}  // namespace tenfold::samba_align
