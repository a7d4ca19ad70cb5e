#include "common/cli/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "common/cli/suggest.h"
#include "common/cli/toml.h"
#include "common/core/error.h"

namespace tenfold::cli {
namespace {

const char* const kSwitches[] = {"help", "version"};  // the tool itself looks for them

void set_once(Inputs& inputs, const Field& field, const std::string& text) {
  const std::string where = "--" + field.name;
  if (!inputs.emplace(field.name, Input{where, text, std::nullopt}).second) {
    throw UsageError(where + ": given twice");
  }
}

[[noreturn]] void refuse_missing(const Field& field, const std::string& found) {
  throw UsageError(
      fmt::format("--{}: found {}, expected a value {}", field.name, found, field.placeholder));
}

// One CLI11 option a field; values stay text, so that every source is checked in one place
// (Field::set).
void declare_value(CLI::App& app, const Field& field, Inputs& inputs) {
  const auto take = [&inputs, &field](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      // CLI11 takes whatever comes next; `--out --quiet` means a forgotten folder.
      if (text.rfind("--", 0) == 0) refuse_missing(field, "the option " + text);
      set_once(inputs, field, text);
    }
  };
  app.add_option_function<std::vector<std::string>>("--" + field.name, take)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void declare_flag(CLI::App& app, const Field& field, Inputs& inputs) {
  const auto add = [&](const std::string& names, const char* text) {
    const auto take = [&inputs, &field, text](int64_t count) {
      for (int64_t i = 0; i < count; ++i) set_once(inputs, field, text);
    };
    app.add_flag_function(names, take)->disable_flag_override();
  };
  add("--" + field.name + (field.name == "verbose" ? ",-v" : ""), "true");
  if (field.has_negation()) add("--no-" + field.name, "false");
}

std::vector<std::string> option_names(const std::vector<Field>& fields) {
  std::vector<std::string> names(std::begin(kSwitches), std::end(kSwitches));
  for (const Field& f : fields) {
    names.push_back(f.name);
    if (f.has_negation()) names.push_back("no-" + f.name);
  }
  return names;
}

[[noreturn]] void refuse_extra(const std::string& extra, const std::vector<Field>& fields) {
  if (extra.size() < 2 || extra[0] != '-' || extra == "--") {
    throw UsageError(fmt::format("unexpected argument '{}'; options begin with --", extra));
  }
  const std::string name = extra.substr(0, extra.find('='));
  const std::string bare = name.substr(name.find_first_not_of('-'));
  throw UsageError(
      fmt::format("unknown option {}{}", name, suggestion(bare, option_names(fields), "--")));
}

// CLI11 would take the next argument as the value of `--name=`, and its message on a missing or
// superfluous value names types of its own.
void check_forms(const std::vector<std::string>& args, const std::vector<Field>& fields) {
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].rfind("--", 0) != 0) continue;
    const size_t equals = args[i].find('=');
    const std::string name = args[i].substr(2, equals == std::string::npos ? equals : equals - 2);
    const Field* field = find_field(fields, name);
    if (field == nullptr) continue;
    if (!field->is_flag()) {
      if (equals != std::string::npos && equals + 1 == args[i].size()) {
        refuse_missing(*field, "nothing after =");
      }
      if (equals == std::string::npos && i + 1 == args.size()) refuse_missing(*field, "nothing");
      if (equals == std::string::npos) ++i;  // its value
    } else if (equals != std::string::npos) {
      refuse("--" + name, args[i].substr(equals + 1),
             fmt::format("no value{}",
                         field->has_negation() ? "; --no-" + name + " is its opposite" : ""));
    }
  }
}

}  // namespace

Inputs parse_arguments(const std::vector<Field>& fields, const std::vector<std::string>& args) {
  check_forms(args, fields);
  Inputs inputs;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  for (const Field& f : fields) {
    if (f.is_flag()) {
      declare_flag(app, f, inputs);
    } else {
      declare_value(app, f, inputs);
    }
  }
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    // CLI11's exit codes (105 to 109) end here.
    const std::string text = e.what();
    throw UsageError(text.substr(0, text.find('\n')));
  }
  if (app.remaining_size() > 0) refuse_extra(app.remaining()[0], fields);
  return inputs;
}

Inputs read_environment(const std::vector<Field>& fields) {
  Inputs inputs;
  for (const Field& f : fields) {
    const std::string name = environment_name(f.name);
    const char* text = std::getenv(name.c_str());
    if (text != nullptr && *text != '\0') inputs[f.name] = {name, text, std::nullopt};
  }
  return inputs;
}

void resolve(std::vector<Field>& fields, const std::vector<std::string>& args,
             const std::function<void(const std::string&)>& apply_preset) {
  // From the weakest to the strongest.
  Inputs sources[] = {{}, read_environment(fields), parse_arguments(fields, args)};
  const auto strongest = [&](const std::string& name) {
    Input found;
    for (const Inputs& source : sources) {
      const auto entry = source.find(name);
      if (entry != source.end()) found = entry->second;
    }
    return found;
  };
  const std::string file = strongest("config").text;
  if (!file.empty()) sources[0] = read_config_file(file, fields);
  const Input preset = strongest("preset");
  if (!preset.text.empty()) {
    const Field* field = find_field(fields, "preset");
    require_choice(preset.text, field->choices, preset.where);
    apply_preset(preset.text);
  }
  for (const Inputs& source : sources) {
    for (Field& f : fields) {
      const auto entry = source.find(f.name);
      if (entry != source.end()) f.set(entry->second);
    }
  }
  check_ranges(fields);
}

}  // namespace tenfold::cli
