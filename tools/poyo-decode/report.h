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

// Test scores of a decoder that learned from some labelled trials.
struct FewShotPoint {
  std::string decoder;                             // identify, finetune, scratch or wiener
  int64_t seed = 0, asked = kAllTrials, used = 0;  // trials a session; trials of all sessions
  std::vector<SessionScore> scores;
};
using FewShotCurve = std::vector<FewShotPoint>;

// Adds series `few_shot` (labelled trials; mean R2 of each decoder and its standard error over
// seeds) and table `few_shot` with a row for each decoder, seed, number of trials and session.
void add_few_shot(log::Result& result, const FewShotCurve& curve);

// Adds series `train_curve` (of the first seed's model; `train_curve/NAME` where there are
// several).
void add_training_curves(log::Result& result, const std::vector<DecoderMember>& members);

void set_outcome(log::Result& result, const train::Outcome& outcome);

log::Facts data_facts(const Dataset& dataset);
log::Facts model_facts(const Model& model);

}  // namespace tenfold::poyo_decode
