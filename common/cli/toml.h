// Configuration files: the flat part of TOML, read strictly.
#pragma once

#include <string>
#include <vector>

#include "common/cli/fields.h"

namespace tenfold::cli {

struct TomlValue {
  enum class Type { kText, kNumber, kTruth, kArray };
  Type type = Type::kText;
  std::string text;              // unescaped; numbers without underscores
  std::vector<TomlValue> items;  // of an array; never arrays themselves
};

struct TomlEntry {
  std::string key;
  TomlValue value;
  int line = 0;
};

// Lines `key = value` with "text", 'text', numbers, true, false, arrays and # comments. `path` is
// for the messages. Throws UsageError "path:line: ..." for anything else: sections, dates, bare
// words.
std::vector<TomlEntry> parse_toml(const std::string& text, const std::string& path);

// The file's values by field. Throws MissingInput; UsageError naming file, line and key for an
// unknown key (with the nearest known one), a key that stands twice, a value of the wrong kind.
Inputs read_config_file(const std::string& path, const std::vector<Field>& fields);

// What read_config_file reads back to the same values; empty optionals stand in comments.
std::string fields_to_toml(const std::vector<Field>& fields);

}  // namespace tenfold::cli
