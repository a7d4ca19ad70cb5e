#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "common/cli/tool.h"
#include "common/core/build_info.h"
#include "common/core/clock.h"
#include "common/core/error.h"
#include "common/core/gemm_backend.h"
#include "common/core/stop.h"
#include "common/io/file.h"
#include "common/log/logger.h"

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

bool holds_a_run(const std::string& folder) {
  return io::exists(folder + "/config.json") || io::exists(folder + "/result.json");
}

std::string exit_reason(int code) {
  switch (code) {
    case 0: return "complete";
    case static_cast<int>(ExitCode::kInterrupted): return "stopped after a checkpoint";
    case static_cast<int>(ExitCode::kCtrlC): return "Ctrl-C";
    default: return fmt::format("exit {}", code);
  }
}

}  // namespace

std::string Run::path(const std::string& name) const { return options_.out.empty() ? "" : options_.out + "/" + name; }

void Run::write_run_json(const std::string& reason) const {
  char host[128] = "unknown";
  ::gethostname(host, sizeof host - 1);
  log::Facts facts = {{"tool", tool_},       {"subcommand", subcommand_}, {"version", version()},
                      {"host", std::string(host)}, {"pid", int64_t{::getpid()}}, {"start", started_}};
  for (const auto& fact : environment_of(device_, threads_)) facts.push_back(fact);
  if (!reason.empty()) {
    facts.emplace_back("end", utc_now());
    facts.emplace_back("exit_reason", reason);
  }
  io::write_file_atomic(path("run.json"), log::to_json(facts, true) + "\n");
}

int Tool::run_in_folder(const std::function<int(Run&)>& function, Run& run) {
  const CommonOptions& common = run.options_;
  run.threads_ = set_threads(static_cast<int>(common.threads));
  run.device_ = open_device(common.device);
  make_deterministic();
  gemm_self_test();
  install_signal_handlers();
  if (common.out.empty() || common.dry_run) return function(run);
  io::make_folders(common.out);
  const io::FolderLock lock(common.out);
  if (holds_a_run(common.out) && common.resume == "never") {
    throw CannotCreate(fmt::format("--out {}: holds a run already; go on with --resume auto or choose another folder",
                                   common.out));
  }
  log::Facts config = {{"argv", run.argv_}};
  const std::string argv_json = log::to_json(config, false);
  io::write_file_atomic(run.path("config.json"),
                        "{\"config\":" + run.config_json_ + "," + argv_json.substr(1) + "\n");
  run.write_run_json("");
  try {
    const int code = function(run);
    run.write_run_json(exit_reason(code));
    return code;
  } catch (const std::exception& e) {
    const std::string what = e.what();
    try {
      run.write_run_json("error: " + what.substr(0, what.find('\n')));
    } catch (const Error&) {
      // The first error is the one to report; a full disk may be its cause.
    }
    throw;
  }
}

void Run::emit(log::Result result, const std::string& schema) const {
  result.schema = tool_ + "." + schema;
  result.tool = tool_;
  result.version = version();
  result.command = argv_;
  result.config_json = config_json_;
  result.started = started_;
  result.finished = utc_now();
  result.wall_s = monotonic_seconds() - start_seconds_;
  result.cpu_s = cpu_seconds();
  result.environment = environment_of(device_, threads_);
  const std::string line = log::to_json(result, false) + "\n";
  if (!options_.out.empty() && !options_.dry_run) io::write_file_atomic(path("result.json"), line);
  if (!options_.json.empty() && options_.json != "-") {
    io::write_file_atomic(options_.json, line);
    return;
  }
  const std::string text = isatty(STDOUT_FILENO) != 0 ? log::to_json(result, true) + "\n" : line;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw IoError("stdout: writing the result failed");
  }
}

}  // namespace tenfold::cli
