// Help texts and shell completion.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/cli/fields.h"

namespace tenfold::cli {

struct SubcommandHelp {
  std::string tool, name, help;
  std::vector<std::string> presets;
  std::vector<Field> fields;
};

std::string tool_help(const std::string& tool, const std::string& description,
                      const std::vector<SubcommandHelp>& subcommands);
std::string subcommand_help(const SubcommandHelp& subcommand);

// A script for `shell` ("bash" or "zsh"). Throws UsageError for another shell.
std::string completion_script(const std::string& shell, const std::string& tool,
                              const std::vector<SubcommandHelp>& subcommands);

}  // namespace tenfold::cli
