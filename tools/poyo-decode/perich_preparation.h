// Trials, phases of the movement, outliers and the split of sessions of Perich and Miller, as the
// published preparation makes them from their NWB files (specification, section 2.1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {

// Columns of /intervals/trials; those of the other task are empty.
struct PerichTrials {
  std::vector<double> start, stop;        // seconds
  std::vector<std::string> result;        // "R" for a rewarded trial
  std::vector<double> target_on, go_cue;  // CO; seconds or NaN
  std::vector<double> target_id;          // CO; NaN where there is none
  std::vector<double> first_go_cue;       // RT: go_cue_time_array[:, 0]; seconds or NaN
  std::vector<double> num_attempted;      // RT
};

// What the preparation makes of a trial table.
struct PreparedTrials {
  Trials trials;            // with their boundaries, valid or not
  std::vector<char> valid;  // [trials]
  std::map<std::string, Intervals> phases;
};

// Boundaries, validity and phases of centre-out and of random-target trials; `domain` is that of
// the cursor. Throw DataError for columns of different lengths.
PreparedTrials prepare_centre_out(const PerichTrials& trials, Interval domain,
                                  const Intervals& outliers);
PreparedTrials prepare_random_target(const PerichTrials& trials, Interval domain,
                                     const Intervals& outliers);

// Stretches in which the acceleration's norm is above 1500 or the position is outside [-10, 10],
// dilated and eroded as the published code does: by one sample more on the left.
//   times [samples]; position, acceleration [samples, 2] or empty
Intervals cursor_outliers(const std::vector<double>& times, const std::vector<float>& position,
                          const std::vector<float>& acceleration);

struct TrialSplit {
  std::vector<int64_t> train, valid, test;  // places among the valid trials
};

// The places 0..n-1 in the order of the Mersenne twister with seed 42.
std::vector<int64_t> permutation_42(int64_t n);

// The published split of n trials: 70/10/20 with seed 42 of the Mersenne twister.
TrialSplit perich_split(int64_t n);

// `{subject}_{YYYYMMDD}_{task}`; `start_time` is ISO 8601.
std::string session_id(const std::string& subject, const std::string& start_time,
                       const std::string& task);

// Centre-out where the file's name holds "CO", else random target.
std::string perich_task(const std::string& path);

// Domains from the split of the valid trials: trained on is the whole session but the others,
// dilated by `dilation` seconds.
void split_perich(const PreparedTrials& prepared, double dilation, Recording& recording);

}  // namespace tenfold::poyo_decode
