// What the training subcommands share.
#pragma once

#include <cstdint>
#include <string>

#include "common/cli/tool.h"
#include "common/train/loop.h"

namespace tenfold::prequential_icl {

// The loop as the common options want it.
train::LoopOptions loop_options(const cli::Run& run, int64_t max_steps, const std::string& label);

}  // namespace tenfold::prequential_icl
