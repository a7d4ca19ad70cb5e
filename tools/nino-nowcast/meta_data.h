// Samples for meta-training (specification, section 4.2): windows of stored trajectories.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/nino-nowcast/graph.h"
#include "tools/nino-nowcast/lpe.h"
#include "tools/nino-nowcast/trajectories.h"

namespace tenfold::nino_nowcast {

struct SamplingOptions {
  int64_t ctx = 5, horizons = 40;  // c, K
  int64_t spacing = 200;           // optimiser steps between two used states
  int64_t trajectories = 4;        // a batch
  int64_t windows = 4;             // of each trajectory; below 4: drawn from the first 4
  int64_t vocab_sample = 1000;     // word rows of a transformer
  int64_t lpe = 8;
  bool global_wte = true;  // --train-scale
  std::string scale_method = "std";
  uint64_t seed = 0;
};

// One kind of network among the trajectories.
struct TrajectoryTask {
  std::unique_ptr<TrajectoryReader> reader;
  Architecture arch;  // with the sampled vocabulary
  NeuralGraph graph;
  at::Tensor pos;              // [N, lpe], before the random signs
  at::Tensor slot_index;       // [P'] int64: positions e * F' + f that hold a parameter ...
  at::Tensor slot_param;       // [P'] int64: ... and which one
  std::vector<int32_t> types;  // [P]
  int64_t step = 1;            // stored states between two used ones
  int64_t full_vocab = 0;      // word rows in the files; 0: not a transformer, or few words
};

// One window: scaled inputs and the scaled states that follow.
struct MetaSample {
  const TrajectoryTask* task = nullptr;
  at::Tensor scaled;         // [P, c]
  at::Tensor targets;        // [P, n]: horizons 1..n
  at::Tensor pos;            // [N, lpe] with this trajectory's signs
  at::Tensor word_position;  // [N] int64, 0 for nodes that are no words
};

class MetaSampler {
 public:
  // Throws DataError for a spacing that is no multiple of the stored one, or too few states.
  MetaSampler(const std::string& folder, const std::vector<std::string>& names,
              SamplingOptions options);

  // The batch of iteration `iteration`: a pure function of (seed, restart, iteration).
  std::vector<MetaSample> batch(int64_t iteration, int64_t restart) const;

  const std::vector<TrajectoryTask>& tasks() const { return tasks_; }

 private:
  void draw_trajectory(int64_t index, int64_t restart, std::vector<MetaSample>& out) const;

  SamplingOptions options_;
  std::vector<TrajectoryTask> tasks_;
};

}  // namespace tenfold::nino_nowcast
