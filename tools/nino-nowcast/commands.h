// The subcommands: each returns an exit code.
#pragma once

#include "common/cli/tool.h"
#include "tools/nino-nowcast/config.h"

namespace tenfold::nino_nowcast {

int train(const TrainConfig& config, cli::Run& run);
int collect(const CollectConfig& config, cli::Run& run);
int train_nino(const TrainNinoConfig& config, cli::Run& run);
int step(const StepConfig& config, cli::Run& run);
int graph(const GraphConfig& config, cli::Run& run);
int evaluate(const EvalConfig& config, cli::Run& run);

}  // namespace tenfold::nino_nowcast
