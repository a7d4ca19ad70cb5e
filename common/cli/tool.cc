#include "common/cli/tool.h"

#include <fmt/format.h>

#include <cstdio>
#include <new>
#include <set>
#include <stdexcept>

#include "common/cli/completion.h"
#include "common/cli/fields.h"
#include "common/cli/help.h"
#include "common/cli/parse.h"
#include "common/cli/suggest.h"
#include "common/cli/toml.h"
#include "common/core/build_info.h"
#include "common/core/clock.h"
#include "common/core/error.h"
#include "common/io/file.h"
#include "common/log/logger.h"

namespace tenfold::cli {
namespace {

int code_of(ExitCode code) { return static_cast<int>(code); }

int print_out(const std::string& text) {
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!whole || std::fflush(stdout) != 0) throw IoError("stdout: cannot write");
  return code_of(ExitCode::kDone);
}

// Runs `body`; every exception becomes one line on stderr and an exit code.
int guarded(const std::function<int()>& body) {
  try {
    return body();
  } catch (const Error& e) {
    log::error(e.what());
    return code_of(e.code());
  } catch (const std::bad_alloc&) {
    log::error("out of memory");
  } catch (const std::exception& e) {
    // Torch's errors carry a stack trace from the second line on.
    const std::string what = e.what();
    log::error("internal: " + what.substr(0, what.find('\n')));
  } catch (...) {
    log::error("internal: an exception of an unknown kind");
  }
  return code_of(ExitCode::kNumeric);
}

bool contains(const std::vector<std::string>& args, const std::string& a, const std::string& b) {
  for (const std::string& arg : args) {
    if (arg == a || arg == b) return true;
  }
  return false;
}

// What no single option can know.
void check_common(CommonOptions& common) {
  if (common.seed.empty()) throw UsageError("--seed: found nothing, expected a number or a list");
  const std::set<int64_t> distinct(common.seed.begin(), common.seed.end());
  if (distinct.size() != common.seed.size()) throw UsageError("--seed: a seed stands twice");
  if (common.resume != "never" && common.out.empty()) {
    throw UsageError(fmt::format("--resume {}: needs --out DIR, the run's folder", common.resume));
  }
  common.max_time_seconds = parse_duration(common.max_time);
  if (!common.json.empty() && common.json != "-") io::require_creatable(common.json);
}

}  // namespace

Tool::Tool(std::string name, std::string description)
    : name_(std::move(name)), description_(std::move(description)) {}
Tool::~Tool() = default;

void Tool::add_subcommand(Subcommand subcommand) { subcommands_.push_back(std::move(subcommand)); }

void Tool::set_examples(const std::string& subcommand, const std::string& text) {
  for (Subcommand& s : subcommands_) {
    if (s.name != subcommand) continue;
    s.examples = text;
    return;
  }
  throw std::logic_error("set_examples: no subcommand " + subcommand);
}

int Tool::run(int argc, char** argv) {
  log::set_program(name_);
  return guarded([&] { return dispatch({argv, argv + argc}); });
}

SubcommandHelp Tool::describe(const Subcommand& s, CommonOptions& common) const {
  s.set_defaults(common);
  std::vector<Field> fields = gather_fields(s.visit);
  for (Field& f : gather_fields([&](FieldVisitor& v) { common.visit(v, s.kind); })) {
    if (f.name == "preset" && s.presets.empty()) continue;
    if (f.name == "preset") f.choices = s.presets;
    // A subcommand's own field of the same name (`graph --out FILE`) takes its place.
    if (find_field(fields, f.name) == nullptr) fields.push_back(std::move(f));
  }
  return {name_, s.name, s.help, s.examples, s.presets, std::move(fields)};
}

std::string Tool::with_all_described(
    const std::function<std::string(const std::vector<SubcommandHelp>&)>& write) const {
  std::vector<CommonOptions> commons(subcommands_.size());
  std::vector<SubcommandHelp> all;
  for (size_t i = 0; i < subcommands_.size(); ++i) {
    all.push_back(describe(subcommands_[i], commons[i]));
  }
  return write(all);
}

int Tool::dispatch(const std::vector<std::string>& args) {
  const auto help = [&](const std::vector<SubcommandHelp>& all) {
    return tool_help(name_, description_, all);
  };
  if (args.size() < 2) {
    std::fputs(with_all_described(help).c_str(), stderr);
    return code_of(ExitCode::kUsage);
  }
  const std::string& first = args[1];
  if (first == "--help" || first == "-h") return print_out(with_all_described(help));
  if (first == "--version") return print_out(name_ + " " + version() + "\n");
  if (first == "completion") {
    return print_out(with_all_described([&](const std::vector<SubcommandHelp>& all) {
      return completion_script(args.size() == 3 ? args[2] : "", name_, all);
    }));
  }
  std::vector<std::string> names;
  for (Subcommand& s : subcommands_) {
    if (s.name == first) return run_parsed(s, args);
    names.push_back(s.name);
  }
  if (first.rfind('-', 0) == 0) {
    throw UsageError(
        fmt::format("{}: expected a subcommand before the options; see --help", first));
  }
  names.push_back("completion");
  throw UsageError(fmt::format("unknown subcommand {}{}", first, suggestion(first, names)));
}

int Tool::run_parsed(Subcommand& s, const std::vector<std::string>& args) {
  Run run;
  run.tool_ = name_;
  run.subcommand_ = s.name;
  run.kind_ = s.kind;
  run.argv_ = args;
  run.started_ = utc_now();
  run.start_seconds_ = monotonic_seconds();
  s.reset();
  CommonOptions& common = run.options_;
  SubcommandHelp described = describe(s, common);
  const std::vector<std::string> options(args.begin() + 2, args.end());
  if (contains(options, "--help", "-h")) return print_out(subcommand_help(described));
  if (contains(options, "--version", "--version")) {
    return print_out(name_ + " " + version() + "\n");
  }
  resolve(described.fields, options,
          [&](const std::string& preset) { s.apply_preset(preset, common); });
  check_common(common);
  s.validate(common);
  if (common.print_config) return print_out(fields_to_toml(described.fields));
  run.config_json_ = fields_to_json(described.fields);
  run.writes_ = s.writes();
  log::set_level(common.quiet || !run.writes_
                     ? log::Level::kQuiet
                     : (common.verbose ? log::Level::kVerbose : log::Level::kNormal));
  return run_in_folder(s.run, run, described.fields);
}

}  // namespace tenfold::cli
