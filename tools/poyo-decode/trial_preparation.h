// Trials, phases and splits of sessions that are not Perich and Miller's: Churchland, Flint,
// O'Doherty and the Neural Latents Benchmark (specification, section 2.1).
#pragma once

#include <string>
#include <vector>

#include "tools/poyo-decode/perich_preparation.h"

namespace tenfold::poyo_decode {

// The interval set that NLB scores: from 50 ms before to 650 ms after the movement's onset.
constexpr const char* kNlbIntervals = "nlb_eval_intervals";

// Where nothing moves for long.
constexpr const char* kStillSegments = "no_movement_segments";

// Columns of a table of trials, all of one length.
struct ChurchlandTrials {
  std::vector<double> start, stop, target_on, go_cue, move_begins, move_ends;  // seconds or NaN
  std::vector<double> discard, success;                                        // 0 or 1
};

// Every trial from start to stop, counted as valid.
PreparedTrials prepare_plain(const std::vector<double>& start, const std::vector<double>& stop);

// Valid: successful, not to be discarded and apart from its neighbours; hold, reach and return of
// the valid ones.
PreparedTrials prepare_churchland(const ChurchlandTrials& trials);

// kNlbIntervals around every onset that is not NaN; `onset` may be empty.
PreparedTrials prepare_nlb(const std::vector<double>& start, const std::vector<double>& stop,
                           const std::vector<double>& onset);

// 70/10/20 over the valid trials; trained on are also the trials that are not valid.
void split_trials(const PreparedTrials& prepared, Recording& recording);

// Ten equal blocks of the session, eight, one and one, without the parts in `left_out`.
void split_blocks(const Intervals& left_out, Recording& recording);

// Of the benchmark's own parts, "val" is for tests and "train" is split 80/20; all are [trials].
// Throws DataError where no trial is of a part.
void split_nlb(const std::vector<double>& start, const std::vector<double>& stop,
               const std::vector<std::string>& part, Recording& recording);

}  // namespace tenfold::poyo_decode
