// A run's folder: who may use it, what a killed predecessor left, which configuration it holds.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/cli/tool.h"
#include "common/core/build_info.h"
#include "common/core/error.h"
#include "common/core/gemm_backend.h"
#include "common/core/stop.h"
#include "common/io/file.h"

namespace tenfold::cli {
namespace {

using Json = nlohmann::ordered_json;

bool holds_a_run(const std::string& folder) {
  return io::exists(folder + "/config.json") || io::exists(folder + "/result.json");
}

bool holds_a_checkpoint(const std::string& folder) {
  const std::vector<std::string> names = io::list_folder(folder + "/checkpoints");
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name.rfind("step-", 0) == 0; });
}

// NAME.tmp-PID-SERIAL, as write_file_atomic names what it has not finished.
bool is_unfinished_file(const std::string& name) {
  const size_t mark = name.rfind(".tmp-");
  if (mark == std::string::npos) return false;
  const std::string rest = name.substr(mark + 5);
  return rest.find('-') != std::string::npos &&
         rest.find_first_not_of("0123456789-") == std::string::npos;
}

// Under the lock no other process writes here, so that every temporary name is a dead one.
void remove_unfinished(const std::string& folder) {
  for (const std::string& name : io::list_folder(folder)) {
    if (is_unfinished_file(name)) io::remove_tree(folder + "/" + name);
  }
  const std::string checkpoints = folder + "/checkpoints";
  for (const std::string& name : io::list_folder(checkpoints)) {
    if (name.rfind(".tmp-", 0) == 0 || is_unfinished_file(name)) {
      io::remove_tree(checkpoints + "/" + name);
    }
  }
}

using ResumeFields = std::vector<std::pair<std::string, std::string>>;

// A resumed run must not replace config.json by another configuration: its checkpoints are of the
// first.
void require_same_config(const std::string& path, const ResumeFields& fields) {
  const Json stored = Json::parse(io::read_text(path), nullptr, false);
  if (!stored.is_object() || !stored.contains("must_match")) {
    throw DataError(path + ": not the configuration of a run; choose another folder");
  }
  for (const auto& [name, value] : fields) {
    const auto entry = stored["must_match"].find(name);
    const std::string first =
        entry == stored["must_match"].end() ? "(another command's options)" : entry->dump();
    if (first != value) {
      throw Mismatch(fmt::format("--{}: found {}, but the run was started with {} ({})", name,
                                 value, first, path));
    }
  }
}

}  // namespace

void Run::open_folder() const {
  const std::string& out = options_.out;
  const std::string config_path = path("config.json");
  if (holds_a_run(out) && options_.resume == "never") {
    throw CannotCreate(fmt::format("--out {}: holds a run already; {}choose another folder", out,
                                   kind_ == Kind::kTraining ? "go on with --resume auto or " : ""));
  }
  remove_unfinished(out);
  if (io::exists(config_path) && holds_a_checkpoint(out)) {
    require_same_config(config_path, resume_fields_);
  }
  Json config;
  config["tool"] = tool_;
  config["subcommand"] = subcommand_;
  config["version"] = version();
  config["argv"] = argv_;
  config["config"] = Json::parse(config_json_);
  config["must_match"] = Json::object();
  for (const auto& [name, value] : resume_fields_) config["must_match"][name] = Json::parse(value);
  const std::string text = config.dump(2, ' ', false, Json::error_handler_t::replace);
  io::write_file_atomic(config_path, text + "\n");
}

void Run::discard_unused() const {
  if (!new_run_ || io::exists(path("metrics.jsonl")) || holds_a_checkpoint(options_.out)) return;
  if (new_folder_) return io::remove_tree(options_.out);
  for (const char* name : {"config.json", "run.json", ".lock"}) io::remove_tree(path(name));
}

int Tool::run_in_folder(const std::function<int(Run&)>& function, Run& run,
                        const std::vector<Field>& fields) {
  const CommonOptions& common = run.options_;
  run.threads_ = set_threads(static_cast<int>(common.threads));
  run.device_ = open_device(common.device);
  make_deterministic();
  gemm_self_test();
  install_signal_handlers(run.kind_ == Kind::kTraining);
  run.set_resume_fields(fields);
  if (common.out.empty() || common.dry_run || !run.writes_) return function(run);
  run.new_folder_ = !io::exists(common.out);
  io::make_folders(common.out);
  const io::FolderLock lock(common.out);
  run.new_run_ = !holds_a_run(common.out);
  run.open_folder();
  return run.call(function);
}

}  // namespace tenfold::cli
