#include "common/cli/toy_for_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <new>
#include <stdexcept>

#include "common/cli/tool.h"
#include "common/core/error.h"
#include "common/io/file.h"
#include "common/log/logger.h"

namespace tenfold::cli {
namespace {

struct ToyConfig {
  bool fast = false, no_bias = false, careful = true;
  int64_t period = 1000, max_train_steps = 10;
  double lr = 6e-3;
  std::optional<int64_t> k;
  std::optional<double> target;
  std::string name = "plain", task = "small-net", fault = "none";
  std::vector<int64_t> hidden = {12, 24, 24};
  std::vector<std::string> methods = {"none", "nino"}, files;

  template <class Visitor>
  void visit(Visitor& v) {
    v.group("Task");
    v.flag("fast", fast, "take the fast path");
    v.flag("no-bias", no_bias, "layers without bias");
    v.flag("careful", careful, "check twice");
    v.number("period", period, {1, kNoLimit}, "steps", "optimiser steps between two nowcasts");
    v.number("max-train-steps", max_train_steps, {1, 1e6}, "steps", "planned budget");
    v.number("lr", lr, {0.0, 10.0}, "", "learning rate");
    v.number("k", k, {1, 100}, "spacings", "horizon", "the schedule");
    v.number("target", target, {0.0, 100.0}, "%", "accuracy to reach", "the task's own");
    v.group("Names");
    v.text("name", name, "NAME", "any text, e.g. [a:b] or 'c'");
    v.choice("task", task, {"small-net", "large-net"}, "network and data");
    v.list("hidden", hidden, {1, 1e6}, "widths of the hidden layers");
    v.list("methods", methods, {"none", "nino", "linefit"}, "NAME", "methods to compare");
    v.list("files", files, {}, "FILE", "files to read", Resume::kMayChange);
    v.choice("fault", fault,
             {"none", "data", "memory", "torch", "other", "stop", "crash", "two-lines"},
             "how the run ends", Resume::kMayChange);
  }
  static std::vector<std::string> presets() { return {"small", "paper"}; }
  static void set_defaults(CommonOptions& common) { common.eval_every = 25; }
  void apply_preset(const std::string& preset, CommonOptions& common) {
    period = preset == "small" ? 5 : 500;
    common.seed = {7, 8};
  }
  void validate(const CommonOptions&) const {
    if (period > 1'000'000) throw UsageError("--period: too long for --max-train-steps");
  }
};

struct FileConfig {
  std::string out;
  template <class Visitor>
  void visit(Visitor& v) {
    v.text("out", out, "FILE", "file to write");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, CommonOptions&) {}
  void validate(const CommonOptions&) const {}
};

struct EmptyConfig {
  template <class Visitor>
  void visit(Visitor&) {}
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, CommonOptions&) {}
  void validate(const CommonOptions&) const {}
};

int train(const ToyConfig& config, Run& run) {
  if (config.fault == "data") throw DataError("x.gz: truncated");
  if (config.fault == "memory") throw std::bad_alloc();
  if (config.fault == "torch") throw std::runtime_error("shapes differ\nframe #0: somewhere");
  if (config.fault == "two-lines") throw IoError("first\nsecond");
  if (config.fault == "other") throw 1;
  if (config.fault == "crash") _exit(99);
  log::info("training");
  log::detail("in detail");
  log::Result result;
  result.complete = config.fault != "stop";
  if (!result.complete) result.stopped_by = "signal";
  result.metrics.emplace_back("accuracy", log::Metric());
  result.metrics.back().second.value = 0.1;
  run.emit(result, "train/1");
  return result.complete ? 0 : static_cast<int>(ExitCode::kInterrupted);
}

int score(const ToyConfig&, Run& run) {
  run.emit({}, "score/1");
  return static_cast<int>(ExitCode::kTargetMissed);
}

int convert(const FileConfig& config, Run& run) {
  io::write_file_atomic(config.out, run.config_json());
  return 0;
}

int print_digest(const EmptyConfig&, Run& run) {
  std::string text = run.config_digest();
  for (const auto& [name, value] : run.resume_fields()) text += " " + name + "=" + value;
  std::printf("%s\n", text.c_str());
  return 0;
}

int call(const std::vector<std::string>& args) {
  Tool tool("toy", "Shows every kind of option.");
  tool.add<ToyConfig>("train", "train a toy", Kind::kTraining, train);
  tool.add<ToyConfig>("score", "score a toy", Kind::kAnalysis, score);
  tool.add<FileConfig>("convert", "write one file", Kind::kFile, convert);
  tool.add<EmptyConfig>("empty", "print the digest", Kind::kTraining, print_digest);
  tool.set_examples("train", "toy train --preset small");
  std::vector<std::string> all = {"toy"};
  all.insert(all.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& a : all) argv.push_back(a.data());
  argv.push_back(nullptr);
  return tool.run(static_cast<int>(all.size()), argv.data());
}

void redirect(int descriptor, const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(file, descriptor);
  ::close(file);
}

}  // namespace

Finished run_toy(const std::vector<std::string>& args,
                 const std::map<std::string, std::string>& environment) {
  const Scratch scratch;
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    redirect(STDOUT_FILENO, scratch / "out");
    redirect(STDERR_FILENO, scratch / "err");
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    const int code = call(args);
    std::fflush(nullptr);
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  Finished finished;
  finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  finished.out = io::read_text(scratch / "out");
  finished.err = io::read_text(scratch / "err");
  return finished;
}

Scratch::Scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "tenfold-cli-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw IoError(name + ": cannot create");
  path_ = name;
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Scratch::file(const std::string& name, const std::string& text) const {
  io::write_file_atomic(*this / name, text);
  return *this / name;
}

}  // namespace tenfold::cli
