#include "common/train/loop.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "common/core/error.h"
#include "common/core/stop.h"
#include "common/io/file.h"
#include "common/log/logger.h"

namespace tenfold::train {
namespace {

// Adds the step number to a vector; every item below changes what follows.
class Counter : public Program {
 public:
  void step(int64_t step) override {
    sum_.add_(double(step + 1) * scale_ + double(calls_++ % 7));
    momentum_.mul_(0.5).add_(sum_);
    sum_.add_(momentum_.clone() * 1e-3);
    if (step + 1 == stop_at_) request_stop(StopReason::kSignal);
    losses_.emplace_back(step + 1, step + 1 == nan_at_ && restart_ == 0 ? std::nan("") : 1.0);
    history_.push_back(double(step));
    if (history_.size() > 3) scale_ += 0.125;
  }
  std::vector<std::pair<int64_t, double>> drain_losses() override {
    auto out = losses_;
    losses_.clear();
    return out;
  }
  Row evaluate(int64_t done) override {
    evaluations_.push_back(done);
    return {{"value", value()}};
  }
  void visit_state(Archive& a) override {
    if (!skip_.empty()) a.skip_when_loading(skip_);
    a.weight("sum", sum_);
    a.tensor("momentum", momentum_);
    a.number("calls", calls_);
    a.number("scale", scale_);
    a.numbers("history", history_);
    names_ = a.names();
  }
  double score() const override { return -std::fabs(value() - 60); }
  void on_restart(int64_t count) override { restart_ = count; }
  double value() const { return sum_.item<double>(); }

  at::Tensor sum_ = at::zeros({}, at::kDouble), momentum_ = at::zeros({}, at::kDouble);
  int64_t calls_ = 0, stop_at_ = -1, nan_at_ = -1, restart_ = 0;
  double scale_ = 1;
  std::vector<double> history_;
  std::vector<int64_t> evaluations_;
  std::vector<std::string> names_;
  std::string skip_;

 private:
  std::vector<std::pair<int64_t, double>> losses_;
};

// Takes several steps at once where the loop lets it.
class InBlocks : public Counter {
 public:
  void steps(int64_t first, int64_t count) override {
    blocks_.emplace_back(first, count);
    Counter::steps(first, count);
  }
  int64_t most_steps_at_once() const override { return 7; }

  std::vector<std::pair<int64_t, int64_t>> blocks_;
};

struct Folder {
  Folder() {
    const char* base = std::getenv("TEST_TMPDIR");
    path = std::string(base != nullptr ? base : ".") + "/loop_test_run";
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

LoopOptions options_for(const std::string& out, int64_t steps = 20) {
  log::set_level(log::Level::kQuiet);
  clear_stop_request();
  LoopOptions o;
  o.out = out;
  o.max_steps = steps;
  o.eval_every = 4;
  o.checkpoint_every = 5;
  o.context.config_digest = "digest";
  o.context.fields = {{"lr", "0.1"}};
  return o;
}

double uninterrupted() {
  Counter program;
  run_loop(program, options_for(""));
  return program.value();
}

}  // namespace

TEST_CASE("a run evaluates on time and once more at the end") {
  Counter program;
  const Outcome outcome = run_loop(program, options_for("", 10));
  REQUIRE(outcome.complete);
  REQUIRE(program.evaluations_ == std::vector<int64_t>{4, 8, 10});
}

TEST_CASE("a stopped run exits 75 and goes on to the same value and the same metrics") {
  const Folder a;
  std::filesystem::create_directories(a.path + "/whole");
  Counter whole;
  run_loop(whole, options_for(a.path + "/whole"));
  std::filesystem::create_directories(a.path + "/parts");
  Counter first;
  first.stop_at_ = 13;
  const Outcome stopped = run_loop(first, options_for(a.path + "/parts"));
  REQUIRE(stopped.exit_code == 75);
  REQUIRE_FALSE(stopped.complete);
  Counter second;
  LoopOptions resume = options_for(a.path + "/parts");
  resume.resume = "auto";
  REQUIRE(will_resume(resume));
  REQUIRE(run_loop(second, resume).complete);
  REQUIRE(second.value() == whole.value());
  REQUIRE(io::read_text(a.path + "/parts/metrics.jsonl") ==
          io::read_text(a.path + "/whole/metrics.jsonl"));
}

TEST_CASE("one of several processes asks before every step, and stops when another one wants to") {
  const Folder f;
  Counter program;
  LoopOptions options = options_for(f.path);
  std::vector<int64_t> asked;
  options.stop_together = [&](int64_t done, bool wanted) {
    REQUIRE_FALSE(wanted);
    asked.push_back(done);
    return done == 7;
  };
  REQUIRE(run_loop(program, options).exit_code == 75);
  REQUIRE(asked == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("a process that leaves writing to another one reads its checkpoint and writes nothing") {
  const Folder f;
  Counter first, second;
  run_loop(first, options_for(f.path, 10));
  const std::string metrics = io::read_text(f.path + "/metrics.jsonl");
  LoopOptions options = options_for(f.path, 20);
  options.resume = "auto";
  options.writes = false;
  run_loop(second, options);
  REQUIRE(second.value() == uninterrupted());
  REQUIRE(io::read_text(f.path + "/metrics.jsonl") == metrics);
  REQUIRE_FALSE(io::exists(f.path + "/checkpoints/step-000000020"));
}

TEST_CASE("a checkpoint of another number of processes is refused") {
  const Folder f;
  Counter first, second;
  LoopOptions options = options_for(f.path, 10);
  options.context.world_size = 2;
  run_loop(first, options);
  options.resume = "auto";
  options.context.world_size = 4;
  REQUIRE_THROWS_AS(run_loop(second, options), Mismatch);
}

TEST_CASE("every item of the state matters: a resumed run that lacks one ends elsewhere") {
  Counter probe;
  Archive archive = Archive::for_saving();
  probe.visit_state(archive);
  for (const std::string& item : probe.names_) {
    const Folder folder;
    Counter first;
    first.stop_at_ = 13;
    run_loop(first, options_for(folder.path));
    Counter second;
    second.skip_ = item;
    LoopOptions resume = options_for(folder.path);
    resume.resume = "auto";
    run_loop(second, resume);
    INFO(item);
    REQUIRE(second.value() != uninterrupted());
  }
}

TEST_CASE("steps taken together end like single ones and stop at evaluations and checkpoints") {
  Folder folder;
  Counter single;
  InBlocks together;
  LoopOptions options = options_for(folder.path, 40);
  options.eval_every = 10;
  options.checkpoint_every = 8;
  run_loop(single, options);
  std::filesystem::remove_all(folder.path);
  std::filesystem::create_directories(folder.path);
  run_loop(together, options);
  REQUIRE(together.value() == single.value());
  REQUIRE(together.evaluations_ == single.evaluations_);
  REQUIRE(together.blocks_.size() < 40);
  int64_t longest = 0;
  for (const auto& [first, count] : together.blocks_) {
    longest = std::max(longest, count);
    for (int64_t every : {options.eval_every, options.checkpoint_every}) {
      REQUIRE(first / every == (first + count - 1) / every);
    }
  }
  REQUIRE(longest == 7);
}

TEST_CASE("a NaN stops the run with its step and keeps the last good checkpoint") {
  const Folder folder;
  Counter program;
  program.nan_at_ = 12;
  try {
    run_loop(program, options_for(folder.path));
    FAIL("expected NumericError");
  } catch (const NumericError& e) {
    REQUIRE(std::string(e.what()).find("step 12") != std::string::npos);
    REQUIRE(std::string(e.what()).find("step-000000010") != std::string::npos);
  }
  REQUIRE(CheckpointStore(folder.path, {}, 0).newest() == 10);
}

TEST_CASE("with restarts a NaN goes back, one checkpoint further when it came soon after one") {
  const Folder folder;
  Counter program;
  program.nan_at_ = 12;
  LoopOptions o = options_for(folder.path);
  o.nan_restarts = 1;
  const Outcome outcome = run_loop(program, o);
  REQUIRE(outcome.nan_restarts == 1);
  REQUIRE(outcome.steps == 20);
  REQUIRE(program.restart_ == 1);
  REQUIRE(program.value() == uninterrupted());
}

TEST_CASE("the newest two checkpoints and the best one stay") {
  const Folder folder;
  Counter program;
  run_loop(program, options_for(folder.path, 40));
  const auto names = io::list_folder(folder.path + "/checkpoints");
  REQUIRE(std::count(names.begin(), names.end(), "step-000000040") == 1);
  REQUIRE(std::count(names.begin(), names.end(), "step-000000035") == 1);
  REQUIRE(names.size() <= 4);
  REQUIRE(io::read_text(folder.path + "/checkpoints/latest") == "step-000000040\n");
}

TEST_CASE("a checkpoint of another configuration is refused by the option's name") {
  const Folder folder;
  Counter first;
  run_loop(first, options_for(folder.path));
  LoopOptions other = options_for(folder.path);
  other.resume = "auto";
  other.context.fields = {{"lr", "0.2"}};
  Counter second;
  REQUIRE_THROWS_WITH(run_loop(second, other),
                      Catch::Contains("--lr: found 0.2") && Catch::Contains("0.1"));
  other.context.fields = {{"lr", "0.1"}};
  other.context.threads = 3;
  REQUIRE_THROWS_WITH(run_loop(second, other), Catch::Contains("--threads"));
}

TEST_CASE("a damaged checkpoint is refused, not loaded") {
  const Folder folder;
  Counter first;
  run_loop(first, options_for(folder.path));
  const std::string file = folder.path + "/checkpoints/step-000000020/state.safetensors";
  io::Bytes bytes = io::read_file(file);
  bytes[bytes.size() / 2] ^= 1;
  io::write_file_atomic(file, bytes.data(), bytes.size());
  LoopOptions resume = options_for(folder.path);
  resume.resume = "auto";
  Counter second;
  REQUIRE_THROWS_AS(run_loop(second, resume), DataError);
}

}  // namespace tenfold::train
