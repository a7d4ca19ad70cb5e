// From argv, environment, file and preset to the values of the fields.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/cli/fields.h"

namespace tenfold::cli {

// Throws UsageError for unknown options (with the nearest known one), an option given twice, a
// missing value.
Inputs parse_arguments(const std::vector<Field>& fields, const std::vector<std::string>& args);

// TENFOLD_... variables that name a field; an empty one counts as not set.
Inputs read_environment(const std::vector<Field>& fields);

// Sets the fields: preset, then file, environment and command line, of which the later wins; then
// checks every range. `apply_preset` gets the name of the preset where any of them names one.
// Throws UsageError, MissingInput.
void resolve(std::vector<Field>& fields, const std::vector<std::string>& args,
             const std::function<void(const std::string&)>& apply_preset);

}  // namespace tenfold::cli
