// Which windows of the recordings a training step and an evaluation see (specification, sections 4,
// 5 and 8).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/poyo-decode/intervals.h"

namespace tenfold::poyo_decode {

struct Window {
  int64_t recording = 0;
  double start = 0;  // seconds; it ends `length` later
};

// The windows of an evaluation: starts s, s + length / 2, ... of every interval [s, e) while they
// fit, and [e - length, e) where the tail is uncovered.
struct EvaluationWindows {
  std::vector<double> starts;
  int64_t skipped = 0;  // intervals shorter than a window
};
EvaluationWindows evaluation_windows(const Intervals& intervals, double length);

// How training windows are drawn.
enum class Sampling {
  kDomain,   // a jittered grid over every interval, once an epoch; incomplete batches are dropped
  kTrials,   // a jittered grid over every interval, at least one window each; passes follow on
  kUniform,  // an interval uniformly, with replacement, and a place in it uniformly
};
Sampling sampling_of(const std::string& name);  // domain, trials, uniform

class WindowSampler {
 public:
  // `intervals` [recordings]: where windows may lie. Throws DataError where none fits.
  WindowSampler(std::vector<Intervals> intervals, double length, Sampling sampling,
                int64_t batch_size, uint64_t seed);

  // The windows of step `step`, counted from 0: a function of the seed and the step. Sequential
  // calls are cheap.
  std::vector<Window> batch(int64_t step);

  // Windows of an epoch (kTrials, kUniform: of the first pass, of as many windows as intervals) and
  // whole batches in it, at least one.
  int64_t windows_per_epoch() const { return windows_per_epoch_; }
  int64_t steps_per_epoch() const;

  // Seconds in intervals shorter than a window, of one recording.
  double seconds_lost(int64_t recording) const;

 private:
  std::vector<Window> pass(uint64_t number) const;  // all windows of an epoch or pass, shuffled
  Window uniform_window(uint64_t index) const;

  std::vector<Intervals> intervals_;
  double length_;
  Sampling sampling_;
  int64_t batch_size_, windows_per_epoch_ = 0;
  uint64_t seed_;
  std::vector<Window> all_;  // kUniform: every interval that a window fits, `start` its start
  // kDomain, kTrials: the pass being read, and the place in it that belongs to step `next_step_`.
  std::vector<Window> current_;
  int64_t pass_ = -1, place_ = 0, next_step_ = 0;
};

}  // namespace tenfold::poyo_decode
