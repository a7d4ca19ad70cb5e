// The decoders that `baseline` offers, each on one session (specification, section 6).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/log/result.h"
#include "tools/poyo-decode/baseline_options.h"
#include "tools/poyo-decode/row_score.h"

namespace tenfold::poyo_decode {

// Whether the rows are the behaviour's own samples, which then are at least 40 ms apart unless
// `rows` says so: files of counts.
bool reads_samples(const Session& session, const BaselineOptions& options);

// Combinations of hyper-parameters to be fitted one by one; 1 for the methods that choose
// themselves.
int64_t settings(const BaselineOptions& options);

bool uses_seed(const BaselineOptions& options);

struct BaselineScore {
  RowScore score;
  std::vector<std::pair<std::string, log::Value>> hyper_parameters;  // by name
};

// Trained on the trials of `training`. A function of its arguments. Errors name the session.
BaselineScore fit_baseline(const Session& session, const Intervals& training,
                           const BaselineOptions& options, int64_t setting, uint64_t seed);

}  // namespace tenfold::poyo_decode
