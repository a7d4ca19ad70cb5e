#include "common/train/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "common/core/clock.h"
#include "common/core/error.h"
#include "common/core/stop.h"
#include "common/io/file.h"
#include "common/log/logger.h"
#include "common/log/metrics.h"
#include "common/log/progress.h"

namespace tenfold::train {
namespace {

// After a NaN so soon behind a checkpoint, that checkpoint is suspect too.
constexpr int64_t kSuspectSteps = 50;
constexpr double kBlockSeconds = 0.2;

bool due(int64_t done, int64_t every) { return every > 0 && done % every == 0; }

// What the loop itself remembers between sessions.
struct LoopState {
  int64_t done = 0, metrics_offset = 0, restarts = 0, best_step = -1, last_evaluated = -1;
  double elapsed_s = 0;
  double best_score = -std::numeric_limits<double>::infinity();

  void visit(Archive& a) {
    a.number("loop/done", done);
    a.number("loop/metrics_offset", metrics_offset);
    a.number("loop/restarts", restarts);
    a.number("loop/best_step", best_step);
    a.number("loop/last_evaluated", last_evaluated);
    a.number("loop/elapsed_s", elapsed_s);
    a.number("loop/best_score", best_score);
  }
};

struct FirstBad {
  int64_t step;
  double loss;
};

class Loop {
 public:
  Loop(Program& program, const LoopOptions& options)
      : program_(program),
        options_(options),
        store_(options.out, options.context, options.keep_checkpoints) {}

  Outcome run() {
    resume();
    open_metrics();
    started_ = monotonic_seconds() - state_.elapsed_s;
    session_start_ = monotonic_seconds();
    // Restarts need a place to go back to from the first step on.
    if (options_.nan_restarts > 0 && state_.done == 0 && last_saved_ < 0) save();
    log::Progress progress(options_.label, options_.max_steps, "steps", state_.done);
    while (state_.done < options_.max_steps && !program_.finished()) {
      if (stop_wanted()) return stopped();
      const int64_t before = state_.done;
      advance();
      if (look_due(before)) {
        if (const auto bad = first_bad_loss()) {
          restart_or_throw(*bad);
          continue;
        }
      }
      if (due(state_.done, options_.eval_every)) evaluate();
      if (due(state_.done, options_.checkpoint_every)) save();
      progress.set_note(program_.note());
      progress.update(state_.done);
    }
    if (state_.last_evaluated != state_.done) evaluate();
    if (last_saved_ != state_.done) save();
    progress.finish();
    return outcome();
  }

 private:
  void resume() {
    if (options_.resume == "never" || options_.out.empty()) return;
    if (options_.resume != "auto") {
      load(store_.load_path(options_.resume));
      return;
    }
    if (const auto step = store_.newest()) {
      load(store_.load(*step));
      last_saved_ = *step;
      log::info(fmt::format("resuming after step {} of {}", state_.done, options_.max_steps));
    } else {
      log::info(fmt::format("--resume auto: {} holds no checkpoint, so this starts at step 0",
                            options_.out));
    }
  }

  void load(Archive archive) {
    state_.visit(archive);
    program_.visit_state(archive);
  }

  void open_metrics() {
    if (options_.out.empty() || !options_.writes) return;
    metrics_.reset();
    metrics_ = std::make_unique<log::MetricsWriter>(options_.out + "/metrics.jsonl",
                                                    state_.metrics_offset);
  }

  // As many steps as fit before the next event and into a time after which signals, limits and the
  // progress line want a look.
  void advance() {
    int64_t count = std::min(program_.most_steps_at_once(), options_.max_steps - state_.done);
    for (int64_t every : {options_.eval_every, options_.checkpoint_every}) {
      if (every > 0) count = std::min(count, every - state_.done % every);
    }
    count = std::max<int64_t>(1, std::min(count, int64_t(kBlockSeconds / step_seconds_)));
    const double start = monotonic_seconds();
    program_.steps(state_.done, count);
    state_.done += count;
    step_seconds_ = std::max(1e-9, (monotonic_seconds() - start) / double(count));
  }

  bool stop_wanted() {
    if (options_.max_seconds > 0 && monotonic_seconds() - session_start_ >= options_.max_seconds) {
      request_stop(StopReason::kTimeLimit);
    }
    const bool wanted = stop_requested() != StopReason::kNone;
    return options_.stop_together ? options_.stop_together(state_.done, wanted) : wanted;
  }

  // Losses are looked at before anything is stored, so that no checkpoint holds a NaN.
  bool look_due(int64_t before) const {
    return state_.done / options_.check_every != before / options_.check_every ||
           due(state_.done, options_.eval_every) || due(state_.done, options_.checkpoint_every) ||
           state_.done == options_.max_steps;
  }

  std::optional<FirstBad> first_bad_loss() {
    for (const auto& [step, loss] : program_.drain_losses()) {
      if (!std::isfinite(loss)) return FirstBad{step, loss};
    }
    return std::nullopt;
  }

  void restart_or_throw(const FirstBad& bad) {
    auto back_to = options_.out.empty() ? std::nullopt : store_.newest();
    const std::string kept =
        back_to ? "the last good checkpoint is " + store_.path(*back_to) : "there is no checkpoint";
    if (!back_to || state_.restarts >= options_.nan_restarts) {
      throw NumericError(fmt::format(
          "step {}: found loss {}, expected a finite number{}; {}", bad.step, bad.loss,
          options_.nan_restarts > 0 ? fmt::format(" (after {} restarts)", state_.restarts)
                                    : std::string(),
          kept));
    }
    if (bad.step - *back_to < kSuspectSteps) {
      if (const auto earlier = store_.newest(*back_to)) back_to = earlier;
    }
    const int64_t count = state_.restarts + 1;
    load(store_.load(*back_to));
    state_.restarts = count;
    program_.on_restart(count);
    open_metrics();
    log::warning(fmt::format("step {}: loss {}; going back to step {} (restart {} of {})", bad.step,
                             bad.loss, *back_to, count, options_.nan_restarts));
  }

  void evaluate() {
    const Program::Row row = program_.evaluate(state_.done);
    if (metrics_) metrics_->append(state_.done, row);
    state_.last_evaluated = state_.done;
  }

  void save() {
    if (options_.out.empty() || !options_.writes) return;
    metrics_->sync();
    state_.metrics_offset = metrics_->offset();
    state_.elapsed_s = monotonic_seconds() - started_;
    if (program_.score() > state_.best_score) {
      state_.best_score = program_.score();
      state_.best_step = state_.done;
    }
    Archive archive = Archive::for_saving();
    state_.visit(archive);
    program_.visit_state(archive);
    store_.save(state_.done, archive, state_.best_step);
    last_saved_ = state_.done;
  }

  Outcome stopped() {
    if (const auto bad = first_bad_loss()) restart_or_throw(*bad);
    if (last_saved_ != state_.done) save();
    Outcome result = outcome();
    result.complete = false;
    const bool ctrl_c = stop_requested() == StopReason::kCtrlC;
    result.stopped_by = stop_requested() == StopReason::kTimeLimit ? "time-limit" : "signal";
    result.exit_code = static_cast<int>(ctrl_c ? ExitCode::kCtrlC : ExitCode::kInterrupted);
    log::info(
        options_.out.empty()
            ? fmt::format("stopped after step {}; nothing was kept: give --out to resume",
                          state_.done)
            : fmt::format("stopped after step {}; run again with --resume auto", state_.done));
    return result;
  }

  Outcome outcome() const {
    Outcome result;
    result.steps = state_.done;
    result.nan_restarts = state_.restarts;
    result.elapsed_s = monotonic_seconds() - started_;
    return result;
  }

  Program& program_;
  const LoopOptions& options_;
  CheckpointStore store_;
  LoopState state_;
  std::unique_ptr<log::MetricsWriter> metrics_;
  int64_t last_saved_ = -1;
  double started_ = 0, session_start_ = 0;
  double step_seconds_ = 1;  // of the last steps; at first, take one alone
};

}  // namespace

void Program::steps(int64_t first, int64_t count) {
  for (int64_t i = first; i < first + count; ++i) step(i);
}

double Program::score() const { return std::numeric_limits<double>::quiet_NaN(); }

bool will_resume(const LoopOptions& options) {
  if (options.resume == "never" || options.out.empty()) return false;
  return options.resume != "auto" || CheckpointStore(options.out, {}, 0).newest().has_value();
}

Outcome run_loop(Program& program, const LoopOptions& options) {
  return Loop(program, options).run();
}

}  // namespace tenfold::train
