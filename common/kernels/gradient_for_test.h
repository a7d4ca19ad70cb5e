// What tests of whole blocks share: random weights in float64, and a kernel's gradient beside
// central differences of the block's definition.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::kernels {

using Doubles = std::vector<double>;

// N(0, scale^2), each a float32.
inline Doubles draw(uint64_t seed, int64_t count, double scale, const std::string& name) {
  std::vector<float> values(static_cast<size_t>(count));
  Stream(seed, name).fill_normal(values.data(), count, 0, scale);
  return {values.begin(), values.end()};
}

inline std::vector<float> floats_of(const Doubles& x) { return {x.begin(), x.end()}; }

// Compares `gradient` with central differences of p.loss() in every `step`-th entry of p.*of.
template <class Problem>
void check_gradient(Problem& p, Doubles Problem::*of, const std::vector<float>& gradient,
                    size_t step) {
  double largest = 0;
  for (float g : gradient) largest = std::max(largest, double(std::abs(g)));
  for (size_t i = 0; i < gradient.size(); i += step) {
    double& entry = (p.*of)[i];
    const double at = entry, h = 1e-5;
    entry = at + h;
    const double above = p.loss();
    entry = at - h;
    const double below = p.loss();
    entry = at;
    CHECK(std::abs(gradient[i] - (above - below) / (2 * h)) < 2e-5 * largest);
  }
}

}  // namespace tenfold::kernels
