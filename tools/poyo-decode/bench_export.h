// A bench case as other programs read it (scripts/peers).
#pragma once

#include <string>

#include "tools/poyo-decode/bench_cases.h"

namespace tenfold::poyo_decode {

// FOLDER/MODEL.safetensors: weight/NAME, the batch as padded matrices [windows, tokens] and
// [windows, queries], and what we make of it without dropout: `output` [queries, 2], and in the
// metadata the loss and the norm of its gradient.
void export_case(const std::string& folder, const BenchCase& c, const TokenBatch& batch,
                 const Model& model);

}  // namespace tenfold::poyo_decode
