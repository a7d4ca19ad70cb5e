// Results as JSON envelopes (specification, section 7).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/log/result.h"
#include "common/train/loop.h"
#include "tools/nino-nowcast/ensemble.h"
#include "tools/nino-nowcast/task.h"

namespace tenfold::nino_nowcast {

struct TrainReport {
  Task task;
  std::vector<std::string> nowcasters;
  std::vector<int64_t> seeds;
  int64_t max_steps = 0;
  double target = 0;
  std::vector<int64_t> horizons;
  const Ensemble* ensemble = nullptr;
  const ImageData* data = nullptr;
  log::Facts checkpoints;  // nowcaster -> digest and source of its weights
  train::Outcome outcome;
};

log::Result train_result(const TrainReport& report);

// The median over seeds; a run that never reached the target counts as 2 * max_steps, an even
// number of seeds gives the mean of the two middle ones. Null where the median itself falls on such
// a run.
log::Metric median_steps(const std::vector<std::optional<int64_t>>& per_seed, int64_t max_steps);

// Adds what the end of a run means: status, exit reason.
void set_outcome(log::Result& result, const train::Outcome& outcome);

log::Facts data_facts(const ImageData& data);

}  // namespace tenfold::nino_nowcast
