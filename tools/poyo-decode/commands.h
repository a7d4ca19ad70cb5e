// The subcommands: each returns its exit code.
#pragma once

#include "tools/poyo-decode/config.h"

namespace tenfold::poyo_decode {

int train(const TrainConfig& config, cli::Run& run);
int finetune(const FinetuneConfig& config, cli::Run& run);
int identify(const IdentifyConfig& config, cli::Run& run);
int evaluate_command(const EvalConfig& config, cli::Run& run);
int decode(const DecodeConfig& config, cli::Run& run);
int embed(const EmbedConfig& config, cli::Run& run);
int baseline(const BaselineConfig& config, cli::Run& run);
int generate_command(const GenConfig& config, cli::Run& run);
int info(const InfoConfig& config, cli::Run& run);

}  // namespace tenfold::poyo_decode
