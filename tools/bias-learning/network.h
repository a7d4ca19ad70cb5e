// Which network, and what of it a method trains (specification, sections 3.1, 3.2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bias-learning/random_weights.h"

namespace tenfold::bias_learning {

enum class Activation { kRelu, kTanh, kSigmoid, kHeaviside };
extern const std::vector<std::string> kActivationNames;  // in this order
Activation unit_activation(const std::string& name);

// kFullEqual: everything, of a network with as many parameters as the biases of the wide one.
enum class Method { kBias, kFull, kFullEqual, kMask, kGain, kReadout, kOutputBias, kRandom };
extern const std::vector<std::string> kMethodNames;  // in this order
Method method_named(const std::string& name);
inline bool trains_all(Method m) { return m == Method::kFull || m == Method::kFullEqual; }

struct Network {
  WeightSpec weights;
  Activation activation = Activation::kRelu;
  bool output_bias = false;  // c, trained beside whatever a method trains

  int64_t units() const { return weights.hidden * weights.layers; }
  bool plain() const { return weights.layers == 1 && activation == Activation::kRelu; }
};

// The network that a method trains in place of the one asked for: itself, but for kFullEqual.
Network network_of(Method method, const Network& asked, int64_t classes);

// How many numbers a method trains per task, and how many there are.
int64_t trained_parameters(Method method, const Network& network, int64_t classes);
int64_t total_parameters(const Network& network, int64_t classes);

}  // namespace tenfold::bias_learning
