// Learning rate and momentum by step (specification, sections 4 and 8).
#pragma once

#include <cstdint>

namespace tenfold::poyo_decode {

struct ScheduleOptions {
  int64_t steps = 1;         // of the whole run
  double decay_start = 0.5;  // share of the steps at the full rate
  double final_factor = 1e-4;
  bool cycle_momentum = false;  // beta1 .95 -> .85 -> .95, as PyTorch's OneCycle does
  bool half_open = false;       // decay from T/2 over T/2, the small presets' form, not OneCycle's
};

// Factor of the largest rate at step k, counted from 0.
double rate_factor(const ScheduleOptions& options, int64_t step);
double beta1_at(const ScheduleOptions& options, int64_t step);

}  // namespace tenfold::poyo_decode
