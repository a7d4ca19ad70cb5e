#include "common/cli/parse.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "common/cli/suggest.h"
#include "common/core/error.h"
#include "common/io/file.h"

namespace tenfold::cli {
namespace {

std::vector<std::string> names_of(const std::vector<Field>& fields) {
  std::vector<std::string> names;
  for (const Field& f : fields) names.push_back(f.name);
  return names;
}

bool starts_with_no(const std::string& name) { return name.rfind("no-", 0) == 0; }

void set_once(Given& values, const std::string& name, const std::string& text) {
  if (!values.emplace(name, text).second) throw UsageError(fmt::format("--{}: given twice", name));
}

// One CLI11 option a field; values stay text, so that every source is checked in one place (Field::set).
void declare(CLI::App& app, const Field& field, Given& values) {
  const std::string option = "--" + field.name + (field.name == "verbose" ? ",-v" : "");
  if (!field.is_flag) {
    app.add_option_function<std::vector<std::string>>(
           option, [&values, &field](const std::vector<std::string>& texts) {
             for (const std::string& t : texts) set_once(values, field.name, t);
           })
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    return;
  }
  const auto add = [&](const std::string& name, const char* text) {
    app.add_flag_function(name, [&values, &field, text](int64_t count) {
      for (int64_t i = 0; i < count; ++i) set_once(values, field.name, text);
    });
  };
  add(option, "true");
  if (!starts_with_no(field.name)) add("--no-" + field.name, "false");
}

}  // namespace

ParsedArguments parse_arguments(const std::vector<Field>& fields, const std::vector<std::string>& args) {
  ParsedArguments parsed;
  CLI::App app;
  app.set_help_flag();
  app.add_flag_function("-h,--help", [&](int64_t) { parsed.help = true; });
  app.allow_extras();
  for (const Field& f : fields) declare(app, f, parsed.values);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    const std::string text = e.what();
    throw UsageError(text.substr(0, text.find('\n')));
  }
  const std::vector<std::string> extras = app.remaining();
  if (!extras.empty() && !parsed.help) {
    const std::string& first = extras[0];
    if (first.rfind("--", 0) != 0) throw UsageError(fmt::format("unexpected argument '{}'", first));
    const std::string name = first.substr(2, first.find('=') == std::string::npos ? first.npos : first.find('=') - 2);
    throw UsageError(fmt::format("unknown option --{}{}", name, suggestion(name, names_of(fields), "--")));
  }
  return parsed;
}

Given read_environment(const std::vector<Field>& fields) {
  Given values;
  for (const Field& f : fields) {
    if (const char* text = std::getenv(environment_name(f.name).c_str())) values[f.name] = text;
  }
  return values;
}

Given read_config_file(const std::string& path, const std::vector<Field>& fields) {
  std::istringstream text(io::read_text(path, 1 << 20));
  Given values;
  const std::vector<std::string> names = names_of(fields);
  int line_number = 0;
  for (std::string line; std::getline(text, line);) {
    ++line_number;
    const std::string where = fmt::format("{}:{}", path, line_number);
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    // CLI11 reads one line at a time, so that messages can name it.
    std::istringstream one(line);
    std::vector<CLI::ConfigItem> items;
    try {
      items = CLI::ConfigTOML().from_config(one);
    } catch (const CLI::Error&) {
      items.clear();
    }
    if (items.size() != 1 || line.find('=') == std::string::npos || !items[0].parents.empty()) {
      throw UsageError(where + ": expected a line `key = value` (no sections)");
    }
    const std::string& key = items[0].name;
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      throw UsageError(fmt::format("{}: unknown key '{}'{}", where, key, suggestion(key, names)));
    }
    std::string value;
    for (const std::string& part : items[0].inputs) value += (value.empty() ? "" : ",") + part;
    if (line.find("[]") != std::string::npos) value.clear();
    if (!values.emplace(key, value).second) throw UsageError(fmt::format("{}: '{}' is given twice", where, key));
  }
  return values;
}

}  // namespace tenfold::cli
