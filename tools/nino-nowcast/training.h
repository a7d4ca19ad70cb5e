// What train, collect and train-nino have in common: from options to what they set up.
#pragma once

#include "common/cli/tool.h"
#include "common/train/flat_optimizer.h"
#include "tools/nino-nowcast/config.h"
#include "tools/nino-nowcast/nowcaster.h"
#include "tools/nino-nowcast/task.h"

namespace tenfold::nino_nowcast {

train::OptimizerOptions optimizer_options(const TaskConfig& config, const Task& task);
NowcastOptions nowcast_options(const NowcastConfig& config, uint64_t seed);

// Throws Unavailable for --device cuda: the small networks of this tool train on the CPU.
void require_cpu(const cli::Run& run);

}  // namespace tenfold::nino_nowcast
