// The application shell: subcommands, common options, files, presets, errors, exit codes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/cli/visitor.h"
#include "common/core/device.h"
#include "common/log/result.h"

namespace tenfold::cli {

struct Field;
struct SubcommandHelp;

// Which common options a subcommand takes (design, section 4).
enum class Kind {
  kTraining,  // all: --out FOLDER, --resume, --max-time, --checkpoint-every, --eval-every, ...
  kAnalysis,  // no training: --out FOLDER for result.json, no checkpoints
  kFile,      // writes one file of its own option; no --out FOLDER
};

struct CommonOptions {
  std::string config, preset;
  std::vector<int64_t> seed = {0};
  std::string device = "cpu";
  int64_t threads = 0;  // 0: every processor that this process may use
  std::string out;      // empty: no run folder
  std::string resume = "never";
  std::string max_time;  // "3h55m", "90s"; empty: none
  int64_t checkpoint_every = 0, eval_every = 0;
  std::string json = "-";  // a file for the result; "-": stdout
  bool quiet = false, verbose = false, dry_run = false, print_config = false;

  double max_time_seconds = 0;  // parsed; 0: none

  // `kind` decides which of the fields are visited.
  void visit(FieldVisitor& v, Kind kind);
};

// What a subcommand gets beside its own configuration.
class Run {
 public:
  const CommonOptions& options() const { return options_; }
  const Device& device() const { return device_; }
  int threads() const { return threads_; }
  // false: one of several processes of this run, of which another writes the folder and the result.
  bool writes() const { return writes_; }

  // The resolved configuration (own and common options) as a JSON object, and the digest of the
  // part that must match on resume.
  const std::string& config_json() const { return config_json_; }
  const std::string& config_digest() const { return config_digest_; }
  // {option: value as JSON} of the fields that must match, for the message that names the one that
  // differs; `threads` is the resolved number, `device` without its index.
  const std::vector<std::pair<std::string, std::string>>& resume_fields() const {
    return resume_fields_;
  }

  // The path inside --out, or "" without --out.
  std::string path(const std::string& name) const;

  // Fills the envelope (tool, version, command, config, times, environment, and the seeds where the
  // tool set none), writes result.json into --out (last, atomically), and prints to stdout or
  // --json. `schema` is e.g. "train/1".
  void emit(log::Result result, const std::string& schema) const;

 private:
  friend class Tool;
  void set_resume_fields(const std::vector<Field>& fields);
  void open_folder() const;  // --out, which must be locked: checks, cleans up, writes config.json
  void write_run_json(const std::string& exit_reason) const;  // "" while it runs
  void discard_unused() const;  // takes back what a call that did nothing wrote into --out
  int call(const std::function<int(Run&)>& function);  // between two write_run_json

  CommonOptions options_;
  Kind kind_ = Kind::kTraining;
  Device device_;
  int threads_ = 1;
  std::string tool_, subcommand_, config_json_, config_digest_, started_;
  std::vector<std::pair<std::string, std::string>> resume_fields_;
  std::vector<std::string> argv_;
  double start_seconds_ = 0;
  bool writes_ = true;
  bool new_folder_ = false, new_run_ = false;  // --out was made, or held no run, before this call
};

class Tool {
 public:
  Tool(std::string name, std::string description);
  ~Tool();

  // `function(config, run)` returns the exit code (an ExitCode as int, or a tool's own). Config has
  //   template <class Visitor> void visit(Visitor& v);
  //   static std::vector<std::string> presets();          // names; may be empty
  //   void apply_preset(const std::string& name, CommonOptions& common);  // may set both
  //   void validate(const CommonOptions& common);  // UsageError for impossible mixtures; may fill
  //   in
  //                                                // what depends on other options
  //   static void set_defaults(CommonOptions& common);   // optional: its own defaults
  //   bool writes() const;  // optional; false: another process writes the run's folder and result
  template <class Config>
  void add(const std::string& subcommand, const std::string& help, Kind kind,
           int (*function)(const Config&, Run&)) {
    auto config = std::make_shared<Config>();
    Subcommand s;
    s.name = subcommand;
    s.help = help;
    s.kind = kind;
    s.presets = Config::presets();
    s.visit = [config](FieldVisitor& v) { config->visit(v); };
    s.apply_preset = [config](const std::string& p, CommonOptions& c) {
      config->apply_preset(p, c);
    };
    s.reset = [config] { *config = Config(); };
    s.writes = [config] { return writes_of(*config, 0); };
    s.set_defaults = [](CommonOptions& c) { set_defaults_of<Config>(c, 0); };
    s.validate = [config](const CommonOptions& c) { config->validate(c); };
    s.run = [config, function](Run& run) { return function(*config, run); };
    add_subcommand(std::move(s));
  }

  // Text for the end of the subcommand's --help, e.g. "nino-nowcast train --preset small".
  void set_examples(const std::string& subcommand, const std::string& text);

  // Parses, runs, maps every exception to one line on stderr and an exit code.
  int run(int argc, char** argv);

 private:
  struct Subcommand {
    std::string name, help, examples;
    Kind kind = Kind::kTraining;
    std::vector<std::string> presets;
    std::function<void(FieldVisitor&)> visit;
    std::function<void(const std::string&, CommonOptions&)> apply_preset;
    std::function<void()> reset;
    std::function<void(CommonOptions&)> set_defaults;
    std::function<void(const CommonOptions&)> validate;
    std::function<bool()> writes;
    std::function<int(Run&)> run;
  };
  // The first one where Config has such a function, else the second.
  template <class Config>
  static auto set_defaults_of(CommonOptions& c, int) -> decltype(Config::set_defaults(c)) {
    Config::set_defaults(c);
  }
  template <class Config>
  static void set_defaults_of(CommonOptions&, long) {}
  template <class Config>
  static auto writes_of(const Config& c, int) -> decltype(c.writes()) {
    return c.writes();
  }
  template <class Config>
  static bool writes_of(const Config&, long) {
    return true;
  }

  void add_subcommand(Subcommand subcommand);
  int dispatch(const std::vector<std::string>& args);
  int run_parsed(Subcommand& subcommand, const std::vector<std::string>& args);
  // Help of a subcommand at its defaults; the fields point into `common`.
  SubcommandHelp describe(const Subcommand& subcommand, CommonOptions& common) const;
  std::string with_all_described(
      const std::function<std::string(const std::vector<SubcommandHelp>&)>& write) const;
  // Threads, device, signals; locks and fills --out around the call.
  static int run_in_folder(const std::function<int(Run&)>& function, Run& run,
                           const std::vector<Field>& fields);

  std::string name_, description_;
  std::vector<Subcommand> subcommands_;
};

}  // namespace tenfold::cli
