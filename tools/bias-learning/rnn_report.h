// What train-rnn measures of its networks.
#pragma once

#include <cstdint>
#include <vector>

#include "common/log/result.h"
#include "tools/bias-learning/config.h"
#include "tools/bias-learning/rnn_program.h"

namespace tenfold::bias_learning {

// A result with what is known of data and networks alone.
log::Result rnn_facts(const TrainRnnConfig& config, const RnnTask& task,
                      const std::vector<RnnModel>& models);

// Scores, trajectories, and eigenvalues at `jacobian_steps` steps before and after training (0:
// none); what diverged is null with a reason.
log::Result rnn_result(const TrainRnnConfig& config, const RnnTask& task,
                       const std::vector<RnnModel>& models, int64_t jacobian_steps);

}  // namespace tenfold::bias_learning
