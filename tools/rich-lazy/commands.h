// The subcommands: each returns its exit code.
#pragma once

#include "common/cli/tool.h"
#include "tools/rich-lazy/config.h"

namespace tenfold::rich_lazy {

int train(const TrainConfig& config, cli::Run& run);
int evaluate(const EvalConfig& config, cli::Run& run);
int theory(const TheoryConfig& config, cli::Run& run);
int connectome(const ConnectomeConfig& config, cli::Run& run);

}  // namespace tenfold::rich_lazy
