// The biases of a random network on [-1, 1] by training instead of the construction of theory.h
// (specification, section 3.4): that good biases are there does not say that they are found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::bias_learning {

constexpr int64_t kFitSteps = 3000;
constexpr double kFitRate = 0.01;

struct BiasFit {
  double error = 0;           // largest, over the 2 001 points
  double loss = 0;            // mean square, after the last step
  std::vector<float> biases;  // [width]
};

// `steps` full-batch steps of Adam on the mean square over the points, from biases of 0; the
// network is that of ffn_error with relus.
BiasFit fit_biases(const std::string& target, int64_t width, double range, uint64_t seed,
                   int64_t steps = kFitSteps, double rate = kFitRate);

}  // namespace tenfold::bias_learning
