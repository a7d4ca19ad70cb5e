// From options to a task and networks, and networks in files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/io/safetensors.h"
#include "tools/bias-learning/config.h"
#include "tools/bias-learning/rnn_program.h"

namespace tenfold::bias_learning {

// The task of --system. Throws UsageError, MissingInput or DataError.
std::shared_ptr<const RnnTask> rnn_task(const TrainRnnConfig& config);

RnnOptions rnn_options(const TrainRnnConfig& config, const std::vector<int64_t>& seeds);

constexpr char kNetworksFile[] = "networks.safetensors";  // in a run's folder

// "0.5/3": the gain and seed that name a network.
std::string network_name(const RateNetwork& net);

// Of every network that did not diverge NAME/b, NAME/r0 where it was trained, and NAME/W, NAME/B
// and NAME/C of full training.
io::SafeTensors networks_of(const TrainRnnConfig& config, const std::vector<RnnModel>& models);

// The networks in a file of networks_of, on the weights of their seeds. Throws DataError or
// Mismatch naming the file.
std::vector<RnnModel> models_from(const TrainRnnConfig& config, const std::vector<int64_t>& seeds,
                                  std::shared_ptr<const RnnTask> task, const std::string& path);

// CSV: t, the system's own states, the target as it is asked for (scaled), inputs.
void write_target(const TrainRnnConfig& config);

// Of W, B and C of all networks.
std::string weights_hash(const std::vector<RnnModel>& models);

}  // namespace tenfold::bias_learning
