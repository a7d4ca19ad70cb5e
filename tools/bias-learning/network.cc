#include "tools/bias-learning/network.h"

#include <algorithm>

#include "tools/bias-learning/image_tasks.h"

namespace tenfold::bias_learning {

const std::vector<std::string> kActivationNames = {"relu", "tanh", "sigmoid", "heaviside"};

Activation unit_activation(const std::string& name) {
  return Activation(std::find(kActivationNames.begin(), kActivationNames.end(), name) -
                    kActivationNames.begin());
}

const std::vector<std::string> kMethodNames = {"bias", "full",    "full-equal",  "mask",
                                               "gain", "readout", "output-bias", "random"};

Method method_named(const std::string& name) {
  return Method(std::find(kMethodNames.begin(), kMethodNames.end(), name) - kMethodNames.begin());
}

Network network_of(Method method, const Network& asked, int64_t classes) {
  Network out = asked;
  if (method == Method::kFullEqual)
    out.weights.hidden = std::max<int64_t>(
        1, trained_parameters(Method::kBias, asked, classes) / (kPixels + classes + 1));
  return out;
}

int64_t trained_parameters(Method method, const Network& network, int64_t classes) {
  const int64_t c = network.output_bias ? classes : 0;
  switch (method) {
    case Method::kFull:
    case Method::kFullEqual:
      return total_parameters(network, classes);
    case Method::kReadout:
      return network.weights.hidden * classes + c;
    case Method::kOutputBias:
      return classes;
    case Method::kRandom:
      return 0;
    default:
      return network.units() + c;
  }
}

int64_t total_parameters(const Network& network, int64_t classes) {
  const WeightSpec& w = network.weights;
  return w.hidden * (w.inputs + classes + w.layers) +
         (w.layers - 1) * w.hidden * w.hidden * (w.residual ? 2 : 1) +
         (network.output_bias ? classes : 0);
}

}  // namespace tenfold::bias_learning
