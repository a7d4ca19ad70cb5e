// Between the entries of a file and the fields of a configuration.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/cli/suggest.h"
#include "common/cli/toml.h"
#include "common/core/error.h"
#include "common/io/file.h"

namespace tenfold::cli {
namespace {

constexpr uint64_t kLargestFile = 1 << 20;

// What a file cannot say about itself.
bool is_about_the_file(const std::string& key) { return key == "config" || key == "print-config"; }

const char* type_name(TomlValue::Type type) {
  switch (type) {
    case TomlValue::Type::kText:
      return "a text";
    case TomlValue::Type::kNumber:
      return "a number";
    case TomlValue::Type::kTruth:
      return "true or false";
    case TomlValue::Type::kArray:
      return "an array";
  }
  return "";
}

TomlValue::Type type_of(FieldKind kind) {
  switch (kind) {
    case FieldKind::kFlag:
      return TomlValue::Type::kTruth;
    case FieldKind::kInteger:
    case FieldKind::kReal:
    case FieldKind::kIntegers:
      return TomlValue::Type::kNumber;
    case FieldKind::kText:
    case FieldKind::kChoice:
    case FieldKind::kTexts:
      return TomlValue::Type::kText;
  }
  return TomlValue::Type::kText;
}

void require_type(const TomlValue& value, TomlValue::Type type, const std::string& where) {
  if (value.type == type) return;
  throw UsageError(
      fmt::format("{}: found {}, expected {}", where, type_name(value.type), type_name(type)));
}

Input to_input(const TomlValue& value, const Field& field, const std::string& where) {
  const bool list = field.kind == FieldKind::kIntegers || field.kind == FieldKind::kTexts;
  // A text is a list as on the command line: "0..63".
  if (list && value.type == TomlValue::Type::kText) return {where, value.text, std::nullopt};
  const TomlValue::Type type = type_of(field.kind);
  if (!list || value.type != TomlValue::Type::kArray) {
    require_type(value, type, where);
    return {where, value.text, std::nullopt};
  }
  Input input{where, "", std::vector<std::string>()};
  for (const TomlValue& item : value.items) {
    require_type(item, type, where);
    input.items->push_back(item.text);
  }
  return input;
}

}  // namespace

Inputs read_config_file(const std::string& path, const std::vector<Field>& fields) {
  const std::string text = io::read_text(path, kLargestFile);
  Inputs inputs;
  for (const TomlEntry& entry : parse_toml(text, path)) {
    const std::string where = fmt::format("{}:{}: {}", path, entry.line, entry.key);
    const Field* field = find_field(fields, entry.key);
    if (field == nullptr) {
      throw UsageError(fmt::format("{}:{}: unknown key {}{}", path, entry.line, entry.key,
                                   suggestion(entry.key, names_of(fields))));
    }
    if (is_about_the_file(entry.key)) throw UsageError(where + ": only on the command line");
    if (!inputs.emplace(entry.key, to_input(entry.value, *field, where)).second) {
      throw UsageError(where + ": given twice");
    }
  }
  return inputs;
}

std::string fields_to_toml(const std::vector<Field>& fields) {
  std::string out, group;
  for (const Field& f : fields) {
    // The values of a preset are all written out, so its name would only repeat them.
    if (is_about_the_file(f.name) || f.name == "preset") continue;
    if (f.group != group) {
      group = f.group;
      out += fmt::format("{}# {}\n", out.empty() ? "" : "\n", group);
    }
    const std::string value = f.json();
    if (value == "null") {
      out += fmt::format("# {} = ({})\n", f.name, f.otherwise.empty() ? "not given" : f.otherwise);
    } else {
      out += fmt::format("{} = {}\n", f.name, value);
    }
  }
  return out;
}

}  // namespace tenfold::cli
