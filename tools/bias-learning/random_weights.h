// The frozen random weights of one seed: every task and every method uses the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::bias_learning {

struct WeightSpec {
  std::string kind = "uniform";  // uniform(-range, range), or normal of variance 1 / fan-in
  double range = 0.1;
  int64_t hidden = 0;
};

struct RandomWeights {
  std::vector<float> input;    // B [hidden, 784]
  std::vector<float> readout;  // A [10, hidden]

  // xxh3 over the bytes of B, then A.
  std::string hash() const;
};

RandomWeights draw_weights(const WeightSpec& spec, uint64_t seed);

}  // namespace tenfold::bias_learning
