// What train-fnn measures of a trained program.
#pragma once

#include "common/io/safetensors.h"
#include "common/log/result.h"
#include "common/train/loop.h"
#include "tools/bias-learning/config.h"
#include "tools/bias-learning/feedforward_program.h"

namespace tenfold::bias_learning {

// Accuracies and losses on the test images, task variances and their clusters, units that are on.
log::Result fnn_result(FeedforwardProgram& program, const TrainFnnConfig& config,
                       const std::map<std::string, DataSet>& data, const train::Outcome& outcome);

// biases of a seed's tasks as b/TASK, masks as s/TASK, with what names their weights.
io::SafeTensors biases_of(const FeedforwardProgram& program, const TrainFnnConfig& config,
                          size_t seed_index, int64_t seed);

}  // namespace tenfold::bias_learning
