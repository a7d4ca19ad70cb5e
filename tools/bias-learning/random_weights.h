// The frozen random weights of one seed: every task and every method uses the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::bias_learning {

struct WeightSpec {
  std::string kind = "uniform";  // uniform(-range, range), or normal of variance 1 / fan-in
  double range = 0.1;
  int64_t hidden = 0;     // units of a layer
  int64_t inputs = 784;   // pixels
  int64_t layers = 1;     // hidden ones
  bool residual = false;  // layers from the second on add to what they read
};

inline bool operator==(const WeightSpec& a, const WeightSpec& b) {
  return a.kind == b.kind && a.range == b.range && a.hidden == b.hidden && a.inputs == b.inputs &&
         a.layers == b.layers && a.residual == b.residual;
}

struct RandomWeights {
  WeightSpec spec;
  // One after the other: B [hidden, inputs]; of every layer from the second on its weights
  // [hidden, hidden] and, where residual, those that lead back [hidden, hidden]; A [10, hidden].
  std::vector<float> values;

  const float* input() const { return values.data(); }
  const float* between(int64_t layer) const;  // layer 1 is the second
  const float* back(int64_t layer) const { return between(layer) + spec.hidden * spec.hidden; }
  int64_t readout_offset() const;
  const float* readout() const { return values.data() + readout_offset(); }

  // xxh3 over the bytes of `values`.
  std::string hash() const;
};

RandomWeights draw_weights(const WeightSpec& spec, uint64_t seed);

}  // namespace tenfold::bias_learning
