// Help texts.
#pragma once

#include <string>
#include <vector>

#include "common/cli/fields.h"

namespace tenfold::cli {

// What help and completion say about one subcommand; its fields hold the defaults.
struct SubcommandHelp {
  std::string tool, name, help, examples;
  std::vector<std::string> presets;
  std::vector<Field> fields;
};

std::string tool_help(const std::string& tool, const std::string& description,
                      const std::vector<SubcommandHelp>& subcommands);
std::string subcommand_help(const SubcommandHelp& subcommand);

}  // namespace tenfold::cli
