// What the units of a hidden layer do in each task (specification, section 5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/bias-learning/feedforward.h"

namespace tenfold::bias_learning {

// [units]: variance (n - 1) over the images of what every unit does, of all layers.
std::vector<double> task_variance(const TrainedTask& task, const RandomWeights& weights,
                                  Preactivations& z);

struct UnitClusters {
  std::vector<int64_t> units;                           // those kept
  std::vector<std::vector<double>> normalised;          // [units][tasks], by the unit's own maximum
  std::vector<int64_t> labels;                          // [units]
  std::vector<int64_t> sizes;                           // [clusters]
  std::vector<std::vector<double>> mean;                // [clusters][tasks]
  std::vector<std::pair<int64_t, double>> silhouettes;  // of every k that was tried
};

// k-means (k-means++, 10 restarts) of the normalised variances tv [tasks][N]; units whose sum over
// tasks is below 1e-3 are dropped. `clusters` 0: the best silhouette of k = 2..15, on a sample of
// 2 000 units. No clusters where fewer units are left than those.
UnitClusters cluster_units(const std::vector<std::vector<double>>& tv, int64_t clusters,
                           uint64_t seed);

}  // namespace tenfold::bias_learning
