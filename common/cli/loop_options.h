// The training loop as the common options want it.
#pragma once

#include <cstdint>
#include <string>

#include "common/cli/tool.h"
#include "common/train/loop.h"

namespace tenfold::cli {

// `label` names the loop in logs and checkpoints.
train::LoopOptions loop_options(const Run& run, int64_t max_steps, const std::string& label);

}  // namespace tenfold::cli
