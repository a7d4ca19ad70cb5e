// Adam (0.9, 0.999, 1e-8, no decay) over one vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenfold::bias_learning {

struct Adam {
  std::vector<float> m, v;  // as long as the values
  int64_t steps = 0;

  void resize(size_t n) {
    m.assign(n, 0.0f);
    v.assign(n, 0.0f);
  }
  // Gives the memory of both back.
  void release() { *this = Adam{{}, {}, steps}; }
  void step(float* values, const float* gradient, double rate);
};

}  // namespace tenfold::bias_learning
