// The horizon schedule: how far each nowcast looks ahead (specification, section 4.1).
#pragma once

#include <cstdint>
#include <vector>

namespace tenfold::nino_nowcast {

// k_j = round(linspace(K^(1/p), 1, n)_j ^ p), j = 0..n-1, with n = max(1, max_train_steps /
// period): the horizons of a run in units of the meta-training state spacing, from K down to 1.
// Double precision, half to even; n = 1 gives only K, otherwise the last is exactly 1.
//   max_train_steps, period: optimiser steps, the planned budget and what lies between two nowcasts
//   p: the decay, > 0 (2 in the paper); K: the longest horizon, >= 1
// Throws UsageError for a period, p or K out of range.
std::vector<int64_t> horizon_schedule(int64_t max_train_steps, int64_t period, double p, int64_t K);

// The entry that a nowcast at optimiser step `step` uses: min(n - 1, step / period), for n entries.
// An offline nowcast from a last snapshot at step s passes s - 1.
int64_t schedule_index(int64_t step, int64_t period, int64_t n);

}  // namespace tenfold::nino_nowcast
