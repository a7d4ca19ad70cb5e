// The one training loop: steps, evaluation, metrics, checkpoints, resume, signals, time limit, NaN
// stop.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/train/archive.h"
#include "common/train/checkpoint.h"

namespace tenfold::train {

// What is trained. A program owns its parameters, optimisers and data order; the loop owns the
// time.
class Program {
 public:
  using Row = std::vector<std::pair<std::string, double>>;  // flat slash keys of metrics.jsonl

  virtual ~Program() = default;

  // Performs step number `step`, counted from 0.
  virtual void step(int64_t step) = 0;

  // Performs steps first .. first + count - 1, of which the loop asks for at most
  // `most_steps_at_once` and never beyond the next evaluation or checkpoint. To be overridden where
  // parts of a program need not wait for each other after every step.
  virtual void steps(int64_t first, int64_t count);
  virtual int64_t most_steps_at_once() const { return 1; }

  // The losses since the last call, each with its step; the loop stops when one is NaN or inf.
  // Called often on a CPU, seldom where it costs a device synchronisation.
  virtual std::vector<std::pair<int64_t, double>> drain_losses() = 0;

  // Called after `done` steps whenever that is a multiple of eval_every, and at the end.
  virtual Row evaluate(int64_t done) = 0;

  // No further step is wanted (e.g. every run reached its target).
  virtual bool finished() const { return false; }

  // Names everything that must survive (see Archive).
  virtual void visit_state(Archive& archive) = 0;

  // Higher is better: which checkpoint to keep beside the newest. NaN: no opinion.
  virtual double score() const;

  // A short text for the progress line.
  virtual std::string note() const { return ""; }

  // After a NaN, when the loop may restart: the state is that of a checkpoint again; `count`
  // restarts so far.
  virtual void on_restart(int64_t count) { (void)count; }
};

struct LoopOptions {
  std::string label = "train";
  std::string out;  // run folder; empty: no checkpoints, no metrics.jsonl
  int64_t max_steps = 0;
  int64_t eval_every = 0;        // 0: only at the end
  int64_t checkpoint_every = 0;  // 0: only at the end and when stopped
  int64_t keep_checkpoints = 2;  // 0: all
  double max_seconds = 0;        // 0: no limit
  std::string resume = "never";  // auto | never | a checkpoint folder
  int64_t check_every = 1;       // at least so many steps between two looks at the losses
  int64_t nan_restarts = 0;      // go back to a checkpoint that often before a NaN ends the run
  // One of several processes that train together asks here, before every step, whether to stop;
  // `wanted` says whether it wants to itself. Empty: it decides alone.
  std::function<bool(int64_t done, bool wanted)> stop_together;
  bool writes = true;  // false: reads checkpoints in `out` but leaves writing to another process
  CheckpointContext context;
};

struct Outcome {
  int64_t steps = 0;
  bool complete = true;
  std::string stopped_by;  // "time-limit" or "signal" when not complete
  int exit_code = 0;       // 0, 75 or 130
  int64_t nan_restarts = 0;
  double elapsed_s = 0;  // training time over all sessions of the run
};

// Whether run_loop will go on from a checkpoint rather than start afresh.
bool will_resume(const LoopOptions& options);

// Throws NumericError naming the step and the last good checkpoint when a loss is NaN or inf.
Outcome run_loop(Program& program, const LoopOptions& options);

}  // namespace tenfold::train
