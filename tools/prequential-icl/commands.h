// The subcommands: each returns its exit code.
#pragma once

#include "tools/prequential-icl/config.h"

namespace tenfold::prequential_icl {

int train(const TrainConfig& config, cli::Run& run);
int evaluate(const EvalConfig& config, cli::Run& run);
int sgd(const SgdConfig& config, cli::Run& run);
int baseline(const BaselineConfig& config, cli::Run& run);
int generate(const GenConfig& config, cli::Run& run);
int llm_prompts(const LlmPromptsConfig& config, cli::Run& run);
int llm_score(const LlmScoreConfig& config, cli::Run& run);

}  // namespace tenfold::prequential_icl
