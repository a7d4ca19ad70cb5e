#include "tools/bias-learning/random_weights.h"

#include <fmt/format.h>

#include <cmath>

#include "common/core/philox.h"
#include "common/io/hash.h"
#include "tools/bias-learning/image_tasks.h"

namespace tenfold::bias_learning {

const float* RandomWeights::between(int64_t layer) const {
  const int64_t each = spec.hidden * spec.hidden * (spec.residual ? 2 : 1);
  return values.data() + spec.hidden * spec.inputs + (layer - 1) * each;
}

int64_t RandomWeights::readout_offset() const { return between(spec.layers) - values.data(); }

std::string RandomWeights::hash() const {
  return io::xxh3_hex(values.data(), values.size() * sizeof(float));
}

RandomWeights draw_weights(const WeightSpec& spec, uint64_t seed) {
  RandomWeights w;
  w.spec = spec;
  w.values.resize(size_t(w.readout_offset() + kClasses * spec.hidden));
  const auto fill = [&](const float* at, const std::string& name, int64_t count, int64_t fan_in) {
    float* out = w.values.data() + (at - w.values.data());
    const Stream stream(seed, name);
    if (spec.kind == "normal")
      stream.fill_normal(out, count, 0, 1 / std::sqrt(double(fan_in)));
    else
      stream.fill_uniform(out, count, -spec.range, spec.range);
  };
  fill(w.input(), "B", spec.hidden * spec.inputs, spec.inputs);
  for (int64_t layer = 1; layer < spec.layers; ++layer) {
    const int64_t square = spec.hidden * spec.hidden;
    fill(w.between(layer), fmt::format("B/{}", layer), square, spec.hidden);
    if (spec.residual) fill(w.back(layer), fmt::format("A/{}", layer), square, spec.hidden);
  }
  fill(w.readout(), "A", kClasses * spec.hidden, spec.hidden);
  return w;
}

}  // namespace tenfold::bias_learning
