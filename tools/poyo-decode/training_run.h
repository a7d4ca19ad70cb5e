// What `train`, `finetune` and `identify` have in common: from options to a program, through the
// loop, to the parts of a result.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/train/loop.h"
#include "tools/poyo-decode/config.h"
#include "tools/poyo-decode/decoder_program.h"
#include "tools/poyo-decode/report.h"

namespace tenfold::poyo_decode {

DecoderOptions decoder_options(const ModelSpec& model, const TrainingConfig& config,
                               at::Device device);

TrialOrder trial_order(const FewShotConfig& config);

// "5" or "all".
std::string trials_text(int64_t count);

// Spikes in the middle of bins of `width` ms (0: as they are).
std::vector<Recording> binned(std::vector<Recording> recordings, double width);

// Warns of training intervals shorter than a window, of more samples in a window than a model needs
// as queries, and of latents beyond the window.
void warn_of_what_looks_wrong(const Dataset& dataset, const DecoderProgram& program,
                              const ModelSpec& spec, int64_t query_stride);

// Runs the loop; `arch_json` is what other subcommands read of the checkpoints.
train::Outcome run_program(DecoderProgram& program, const cli::Run& run, int64_t steps,
                           const std::string& label, const std::string& arch_json);

// Test scores of every member.
std::vector<std::vector<SessionScore>> test_scores(const DecoderProgram& program);

// Labelled trials of all sessions together.
int64_t trials_used(const Dataset& dataset, const Labels& labels, uint64_t seed);

// Adds metrics `steps`, `skipped_steps` and `tokens_per_s`.
void add_training_metrics(log::Result& result, const DecoderProgram& program,
                          const train::Outcome& outcome);

}  // namespace tenfold::poyo_decode
