#include "tools/bias-learning/random_weights.h"

#include <cmath>

#include "common/core/philox.h"
#include "common/io/hash.h"
#include "tools/bias-learning/image_tasks.h"

namespace tenfold::bias_learning {

std::string RandomWeights::hash() const {
  std::vector<float> both = input;
  both.insert(both.end(), readout.begin(), readout.end());
  return io::xxh3_hex(both.data(), both.size() * sizeof(float));
}

RandomWeights draw_weights(const WeightSpec& spec, uint64_t seed) {
  RandomWeights w;
  const auto fill = [&](std::vector<float>& v, const char* name, int64_t count, int64_t fan_in) {
    v.resize(size_t(count));
    const Stream stream(seed, name);
    if (spec.kind == "normal")
      stream.fill_normal(v.data(), count, 0, 1 / std::sqrt(double(fan_in)));
    else
      stream.fill_uniform(v.data(), count, -spec.range, spec.range);
  };
  fill(w.input, "B", spec.hidden * kPixels, kPixels);
  fill(w.readout, "A", kClasses * spec.hidden, spec.hidden);
  return w;
}

}  // namespace tenfold::bias_learning
