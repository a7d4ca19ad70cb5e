#include "common/cli/tool.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>

#include "common/cli/fields.h"
#include "common/cli/help.h"
#include "common/cli/parse.h"
#include "common/cli/suggest.h"
#include "common/core/build_info.h"
#include "common/core/clock.h"
#include "common/core/error.h"
#include "common/core/gemm_backend.h"
#include "common/core/stop.h"
#include "common/io/file.h"
#include "common/io/hash.h"
#include "common/log/logger.h"

namespace tenfold::cli {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

void print_out(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::fflush(stdout) != 0) throw IoError("stdout: writing failed");
}

void apply(std::vector<Field>& fields, const Given& values, const std::function<std::string(const std::string&)>& where) {
  for (Field& f : fields) {
    const auto found = values.find(f.name);
    if (found != values.end()) f.set(found->second, where(f.name));
  }
}

// The value of a field from the highest source that gives it.
std::string early(const std::string& name, const Given& arguments, const Given& environment, const Given& file) {
  for (const Given* source : {&arguments, &environment, &file}) {
    const auto found = source->find(name);
    if (found != source->end()) return found->second;
  }
  return "";
}

void check_preset(const std::string& preset, const std::vector<std::string>& presets, const std::string& subcommand) {
  for (const std::string& p : presets) {
    if (p == preset) return;
  }
  if (presets.empty()) throw UsageError(fmt::format("--preset: {} has none", subcommand));
  throw UsageError(fmt::format("--preset: found '{}', expected one of {}{}", preset, fmt::format("{}", [&] {
                                 std::string all;
                                 for (const std::string& p : presets) all += (all.empty() ? "" : ", ") + p;
                                 return all;
                               }()),
                               suggestion(preset, presets)));
}

}  // namespace

Tool::Tool(std::string name, std::string description) : name_(std::move(name)), description_(std::move(description)) {}
Tool::~Tool() = default;

void Tool::add_subcommand(Subcommand subcommand) { subcommands_.push_back(std::move(subcommand)); }

namespace {

// Runs `body`; every exception becomes one line on stderr and an exit code.
int guarded(const std::function<int()>& body) {
  try {
    return body();
  } catch (const Error& e) {
    log::error(e.what());
    return static_cast<int>(e.code());
  } catch (const std::bad_alloc&) {
    log::error("out of memory");
  } catch (const std::exception& e) {
    log::error("internal: " + first_line(e.what()));
  }
  return static_cast<int>(ExitCode::kNumeric);
}

}  // namespace

int Tool::run(int argc, char** argv) {
  log::set_program(name_);
  const std::vector<std::string> args(argv, argv + argc);
  return guarded([&] {
    const auto describe = [&] {
      std::vector<SubcommandHelp> all;
      for (Subcommand& s : subcommands_) {
        static std::vector<std::unique_ptr<CommonOptions>> kept;  // the fields point into it
        kept.push_back(std::make_unique<CommonOptions>());
        std::vector<Field> fields = gather_fields(s.visit);
        for (Field& f : gather_fields([&](FieldVisitor& v) { kept.back()->visit(v, s.kind); })) fields.push_back(f);
        all.push_back({name_, s.name, s.help, s.presets, fields});
      }
      return all;
    };
    if (argc < 2) {
      std::fputs(tool_help(name_, description_, describe()).c_str(), stderr);
      return static_cast<int>(ExitCode::kUsage);
    }
    const std::string& first = args[1];
    if (first == "--help" || first == "-h") {
      print_out(tool_help(name_, description_, describe()));
      return 0;
    }
    if (first == "--version") {
      print_out(name_ + " " + version() + "\n");
      return 0;
    }
    if (first == "completion") {
      print_out(completion_script(argc > 2 ? args[2] : "", name_, describe()));
      return 0;
    }
    std::vector<std::string> names;
    for (Subcommand& s : subcommands_) {
      if (s.name == first) return run_parsed(s, args);
      names.push_back(s.name);
    }
    throw UsageError(fmt::format("unknown subcommand '{}'{}", first, suggestion(first, names)));
  });
}

int Tool::run_parsed(Subcommand& s, const std::vector<std::string>& args) {
  Run run;
  run.tool_ = name_;
  run.subcommand_ = s.name;
  run.argv_ = args;
  run.started_ = utc_now();
  run.start_seconds_ = monotonic_seconds();
  CommonOptions& common = run.options_;
  std::vector<Field> fields = gather_fields(s.visit);
  for (Field& f : gather_fields([&](FieldVisitor& v) { common.visit(v, s.kind); })) {
    // A subcommand's own field of the same name (graph --out FILE) takes its place.
    bool own = false;
    for (const Field& g : fields) own = own || g.name == f.name;
    if (!own) fields.push_back(f);
  }
  const ParsedArguments parsed = parse_arguments(fields, {args.begin() + 2, args.end()});
  if (parsed.help) {
    print_out(subcommand_help({name_, s.name, s.help, s.presets, fields}));
    return 0;
  }
  const Given environment = read_environment(fields);
  const std::string config = early("config", parsed.values, environment, {});
  const Given file = config.empty() ? Given() : read_config_file(config, fields);
  const std::string preset = early("preset", parsed.values, environment, file);
  if (!preset.empty()) {
    check_preset(preset, s.presets, s.name);
    s.apply_preset(preset, common);
  }
  apply(fields, file, [&](const std::string& n) { return config + ": " + n; });
  apply(fields, environment, [](const std::string& n) { return environment_name(n); });
  apply(fields, parsed.values, [](const std::string& n) { return "--" + n; });
  if (common.seed.empty()) throw UsageError("--seed: expected at least one number");
  common.max_time_seconds = parse_duration(common.max_time);
  s.validate(common);
  if (common.print_config) {
    common.print_config = false;
    common.config.clear();
    common.preset.clear();
    print_out(fields_to_toml(fields));
    return 0;
  }
  run.config_json_ = fields_to_json(fields);
  std::string digest_text = name_ + " " + s.name;
  for (const Field& f : fields) {
    if (f.resume != Resume::kMustMatch) continue;
    run.resume_fields_.emplace_back(f.name, f.json());
    digest_text += "\n" + f.name;  // the values are compared one by one, with their names
  }
  run.config_digest_ = io::xxh3_hex(digest_text.data(), digest_text.size());
  log::set_level(common.quiet ? log::Level::kQuiet : (common.verbose ? log::Level::kVerbose : log::Level::kNormal));
  return run_in_folder(s.run, run);
}

}  // namespace tenfold::cli
