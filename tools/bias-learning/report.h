// What train-fnn measures of a trained program.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/io/safetensors.h"
#include "common/log/result.h"
#include "common/train/loop.h"
#include "tools/bias-learning/config.h"
#include "tools/bias-learning/feedforward_program.h"

namespace tenfold::bias_learning {

// Task variance above which a unit counts as on.
constexpr double kOnVariance = 0.1;

// Names, sizes and digests of the data sets.
log::Facts facts_of(const TrainFnnConfig& config, const std::map<std::string, DataSet>& data);

// Accuracies and losses on the test images, task variances and their clusters, units that are on.
log::Result fnn_result(FeedforwardProgram& program, const TrainFnnConfig& config,
                       const std::map<std::string, DataSet>& data, const train::Outcome& outcome);

// The file in a run's folder: biases.safetensors, with the network's label and the seed in its name
// where there are several.
std::string biases_file(const TrainFnnConfig& config, const std::vector<int64_t>& seeds,
                        size_t network, size_t seed_index);

// What names the network and the images that biases belong to.
std::map<std::string, std::string> metadata_of(const RandomWeights& weights, const Network& network,
                                               uint64_t seed,
                                               const std::map<std::string, DataSet>& data);

// Of one of the networks and one seed: the tasks' biases as b/TASK [N] (of several layers
// [layers, N]), masks as s/TASK, output biases as c/METHOD/TASK [classes]; what names their
// weights.
io::SafeTensors biases_of(FeedforwardProgram& program, const TrainFnnConfig& config, size_t network,
                          size_t seed_index);

}  // namespace tenfold::bias_learning
