// The subcommands: each returns its exit code.
#pragma once

#include "tools/samba-align/config.h"

namespace tenfold::samba_align {

int info(const InfoConfig& config, cli::Run& run);
int prepare(const PrepareConfig& config, cli::Run& run);
int simulate(const SimulateConfig& config, cli::Run& run);
int train(const TrainConfig& config, cli::Run& run);
int evaluate(const EvalConfig& config, cli::Run& run);

int classify(const ClassifyConfig& config, cli::Run& run);
int report_responses(const HrfConfig& config, cli::Run& run);
int translate_file(const TranslateConfig& config, cli::Run& run);
int encode(const EncodeConfig& config, cli::Run& run);

int baseline(const BaselineConfig& config, cli::Run& run);

}  // namespace tenfold::samba_align
