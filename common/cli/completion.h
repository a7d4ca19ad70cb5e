// Completion scripts for shells.
#pragma once

#include <string>
#include <vector>

#include "common/cli/help.h"

namespace tenfold::cli {

// A script that completes subcommands, options and choices; install it e.g. with
// `source <(nino-nowcast completion bash)`. Throws UsageError for a shell other than "bash" and
// "zsh".
std::string completion_script(const std::string& shell, const std::string& tool,
                              const std::vector<SubcommandHelp>& subcommands);

}  // namespace tenfold::cli
