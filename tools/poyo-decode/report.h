// Results as JSON envelopes (specification, section 7).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/log/result.h"
#include "common/train/loop.h"
#include "tools/poyo-decode/decoder_program.h"

namespace tenfold::poyo_decode {

// The scores of one seed.
using SeedScores = std::pair<int64_t, std::vector<SessionScore>>;

// Adds metric `r2` (mean over sessions, then over seeds), metrics `r2/TASK`, and table `sessions`
// with one row for each seed and session.
void add_scores(log::Result& result, const std::vector<SeedScores>& scores);

// Adds series `train_curve` (of the first seed; `train_curve/SEED` where there are several).
void add_training_curves(log::Result& result, const std::vector<DecoderMember>& members);

void set_outcome(log::Result& result, const train::Outcome& outcome);

log::Facts data_facts(const Dataset& dataset);
log::Facts model_facts(const Model& model);

}  // namespace tenfold::poyo_decode
