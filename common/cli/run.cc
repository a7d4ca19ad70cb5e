// What a subcommand leaves behind: run.json and the result.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "common/cli/fields.h"
#include "common/cli/tool.h"
#include "common/core/build_info.h"
#include "common/core/clock.h"
#include "common/core/error.h"
#include "common/io/file.h"
#include "common/io/hash.h"

namespace tenfold::cli {
namespace {

log::Facts environment_of(const Device& device, int threads) {
  log::Facts facts;
  for (const auto& [name, value] : environment_facts(device, threads)) {
    if (name == "threads") {
      facts.emplace_back(name, static_cast<int64_t>(threads));
    } else {
      facts.emplace_back(name, value);
    }
  }
  return facts;
}

std::string host_name() {
  char host[256] = {};
  return ::gethostname(host, sizeof host - 1) == 0 ? host : "unknown";
}

std::string exit_reason(int code) {
  switch (code) {
    case static_cast<int>(ExitCode::kDone):
      return "complete";
    case static_cast<int>(ExitCode::kInterrupted):
      return "stopped after a checkpoint";
    case static_cast<int>(ExitCode::kCtrlC):
      return "Ctrl-C";
    default:
      return fmt::format("exit code {}", code);
  }
}

// What a corrected command would mend; the run of other errors (a NaN, a full disk) is worth a
// look.
bool is_about_the_input(const std::exception& e) {
  const auto* error = dynamic_cast<const Error*>(&e);
  return error != nullptr && error->code() != ExitCode::kNumeric && error->code() != ExitCode::kIo;
}

void print_result(const std::string& text) {
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!whole || std::fflush(stdout) != 0) throw IoError("stdout: cannot write the result");
}

}  // namespace

std::string Run::path(const std::string& name) const {
  return options_.out.empty() ? "" : options_.out + "/" + name;
}

void Run::set_resume_fields(const std::vector<Field>& fields) {
  for (const Field& f : fields) {
    if (f.name == "device") {
      resume_fields_.emplace_back(f.name, device_.cuda ? "\"cuda\"" : "\"cpu\"");
    } else if (f.name == "threads") {
      resume_fields_.emplace_back(f.name, std::to_string(threads_));
    } else if (f.resume == Resume::kMustMatch) {
      resume_fields_.emplace_back(f.name, f.json());
    }
  }
  std::string text = tool_ + " " + subcommand_ + "\n";
  for (const auto& [name, value] : resume_fields_) text += name + "=" + value + "\n";
  config_digest_ = io::xxh3_hex(text.data(), text.size());
}

void Run::write_run_json(const std::string& reason) const {
  log::Facts facts = {{"tool", tool_},       {"subcommand", subcommand_},  {"version", version()},
                      {"host", host_name()}, {"pid", int64_t{::getpid()}}, {"start", started_}};
  for (const auto& fact : environment_of(device_, threads_)) facts.push_back(fact);
  if (!reason.empty()) {
    facts.emplace_back("end", utc_now());
    facts.emplace_back("exit_reason", reason);
  }
  io::write_file_atomic(path("run.json"), log::to_json(facts, true) + "\n");
}

int Run::call(const std::function<int(Run&)>& function) {
  write_run_json("");
  try {
    const int code = function(*this);
    write_run_json(exit_reason(code));
    return code;
  } catch (const std::exception& e) {
    const std::string what = e.what();
    try {
      write_run_json("error: " + what.substr(0, what.find('\n')));
      if (is_about_the_input(e)) discard_unused();
    } catch (const Error&) {
      // The first error is the one to report; a full disk may be behind both.
    }
    throw;
  }
}

void Run::emit(log::Result result, const std::string& schema) const {
  if (!writes_) return;
  result.schema = tool_ + "." + schema;
  result.tool = tool_;
  result.version = version();
  result.command = argv_;
  result.config_json = config_json_;
  if (result.seeds.empty()) result.seeds = options_.seed;
  result.started = started_;
  result.finished = utc_now();
  result.wall_s = monotonic_seconds() - start_seconds_;
  result.cpu_s = cpu_seconds();
  result.peak_rss_mib = peak_rss_mib();
  result.environment = environment_of(device_, threads_);
  const std::string line = log::to_json(result, false) + "\n";
  if (!options_.out.empty() && !options_.dry_run) io::write_file_atomic(path("result.json"), line);
  if (!options_.json.empty() && options_.json != "-") {
    io::write_file_atomic(options_.json, line);
    return;
  }
  print_result(isatty(STDOUT_FILENO) != 0 ? log::to_json(result, true) + "\n" : line);
}

}  // namespace tenfold::cli
