#include "tools/poyo-decode/rotary.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <cmath>

namespace tenfold::poyo_decode {

at::Tensor rotary_frequencies(int64_t dim_head, double shortest_period, double longest_period) {
  const at::Tensor frequencies = at::zeros({dim_head / 2}, at::TensorOptions().dtype(at::kFloat));
  float* omega = frequencies.data_ptr<float>();
  const int64_t count = dim_head / 4;
  const float low = std::log(float(shortest_period)), high = std::log(float(longest_period));
  for (int64_t j = 0; j < count; ++j) {
    const float part = count > 1 ? float(j) / float(count - 1) : 0.0f;
    // PyTorch's lerp, which starts from the nearer end.
    const float exponent =
        part < 0.5f ? low + part * (high - low) : high - (high - low) * (1.0f - part);
    omega[j] = 2.0f * float(M_PI) / std::exp(exponent);
  }
  return frequencies;
}

at::Tensor rotary_turns(const std::vector<double>& times, const at::Tensor& frequencies,
                        AngleType type) {
  const int64_t pairs = frequencies.numel();
  const at::Tensor turns =
      at::empty({int64_t(times.size()), pairs, 2}, at::TensorOptions().dtype(at::kFloat));
  const float* omega = frequencies.data_ptr<float>();
  at::parallel_for(0, int64_t(times.size()), 256, [&](int64_t first, int64_t end) {
    float* to = turns.data_ptr<float>() + first * pairs * 2;
    for (int64_t i = first; i < end; ++i) {
      for (int64_t j = 0; j < pairs; ++j, to += 2) {
        if (omega[j] == 0) {
          to[0] = 1;
          to[1] = 0;
        } else if (type == AngleType::kDouble) {
          const double angle = times[size_t(i)] * double(omega[j]);
          to[0] = float(std::cos(angle));
          to[1] = float(std::sin(angle));
        } else {
          const float angle = float(times[size_t(i)]) * omega[j];
          to[0] = std::cos(angle);
          to[1] = std::sin(angle);
        }
      }
    }
  });
  return turns;
}

}  // namespace tenfold::poyo_decode
