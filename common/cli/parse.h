// From argv, environment and configuration file to fields.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/cli/fields.h"

namespace tenfold::cli {

// Values as text by field name.
using Given = std::map<std::string, std::string>;

struct ParsedArguments {
  Given values;
  bool help = false;
};

// Throws UsageError for unknown options (with the nearest known one), an option given twice, a missing value.
ParsedArguments parse_arguments(const std::vector<Field>& fields, const std::vector<std::string>& args);

// TENFOLD_... variables that name a field.
Given read_environment(const std::vector<Field>& fields);

// A flat TOML file. Throws MissingInput; UsageError for sections, unknown keys and malformed lines.
Given read_config_file(const std::string& path, const std::vector<Field>& fields);

// "3h55m" -> 14100; "" -> 0. Throws UsageError.
double parse_duration(const std::string& text);

}  // namespace tenfold::cli
