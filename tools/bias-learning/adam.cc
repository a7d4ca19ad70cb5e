#include "tools/bias-learning/adam.h"

#include <cmath>

namespace tenfold::bias_learning {

void Adam::step(float* values, const float* gradient, double rate) {
  constexpr double kBeta1 = 0.9, kBeta2 = 0.999;
  constexpr float kEps = 1e-8f;
  ++steps;
  const auto scale = float(rate / (1 - std::pow(kBeta1, double(steps))));
  const auto root = float(1 / std::sqrt(1 - std::pow(kBeta2, double(steps))));
  const auto size = int64_t(m.size());
  float *first = m.data(), *second = v.data();
  for (int64_t i = 0; i < size; ++i) {
    const float g = gradient[i];
    first[i] += float(1 - kBeta1) * (g - first[i]);
    second[i] += float(1 - kBeta2) * (g * g - second[i]);
    values[i] -= scale * first[i] / (std::sqrt(second[i]) * root + kEps);
  }
}

}  // namespace tenfold::bias_learning
