// The three decision tasks, trial by trial (specification, section 2.1): steps of 100 ms, the
// decision at the last of eight.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::rich_lazy {

enum class Task { kTwoAlternatives, kDelayedMatch, kContext, kSequentialDigits };

constexpr int64_t kTrialSteps = 8;

struct TaskSizes {
  int64_t steps, inputs, outputs, batch;  // batch: trials of an iteration unless told otherwise
  bool last_only;                         // loss and kernel use the last step's output alone
};

// "2AF", "DMS", "CXT", "sMNIST".
const std::vector<std::string>& task_names();
const std::string& task_name(Task task);
// In any case. Throws UsageError that names them all.
Task task_of(const std::string& name);
TaskSizes task_sizes(Task task);

// Trials of one batch, step by step: x [steps, batch, inputs], labels [steps, batch].
struct Trials {
  int64_t steps = 0, batch = 0, inputs = 0;
  std::vector<float> x;
  std::vector<int64_t> labels;
};

// `count` trials of one of the three decision tasks. Trial k is a function of the stream and k.
void draw_trials(Task task, const Stream& stream, int64_t count, Trials& out);

}  // namespace tenfold::rich_lazy
