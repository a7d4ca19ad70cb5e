#include "tools/poyo-decode/rotary.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "common/kernels/turns.h"

namespace tenfold::poyo_decode {
at::Tensor rotary_frequencies(int64_t dim_head, double shortest_period, double longest_period,
                              int64_t rotated) {
  const at::Tensor frequencies = at::zeros({dim_head / 2}, at::TensorOptions().dtype(at::kFloat));
  float* omega = frequencies.data_ptr<float>();
  const float low = std::log(float(shortest_period)), high = std::log(float(longest_period));
  for (int64_t j = 0; j < rotated; ++j) {
    const float part = rotated > 1 ? float(j) / float(rotated - 1) : 0.0f;
    // PyTorch's lerp, which starts from the nearer end.
    const float exponent =
        part < 0.5f ? low + part * (high - low) : high - (high - low) * (1.0f - part);
    omega[j] = 2.0f * float(M_PI) / std::exp(exponent);
  }
  return frequencies;
}

at::Tensor rotary_turns(const std::vector<double>& times, const at::Tensor& frequencies,
                        AngleType type) {
  if (!frequencies.is_cpu()) return rotary_turns_by_operators(times, frequencies, type);
  const int64_t pairs = frequencies.numel();
  const at::Tensor turns =
      at::empty({int64_t(times.size()), pairs, 2}, at::TensorOptions().dtype(at::kFloat));
  const float* omega = frequencies.data_ptr<float>();
  at::parallel_for(0, int64_t(times.size()), 256, [&](int64_t first, int64_t end) {
    float* to = turns.data_ptr<float>() + first * pairs * 2;
    if (type == AngleType::kDouble) {
      kernels::turns(times.data() + first, end - first, omega, pairs, to);
      return;
    }
    for (int64_t i = first; i < end; ++i, to += pairs * 2) {
      for (int64_t j = 0; j < pairs; ++j) {
        const float angle = float(times[size_t(i)]) * omega[j];
        to[2 * j] = std::cos(angle);
        to[2 * j + 1] = std::sin(angle);
      }
    }
  });
  return turns;
}

at::Tensor rotary_turns_by_operators(const std::vector<double>& times,
                                     const at::Tensor& frequencies, AngleType type) {
  const at::ScalarType precision = type == AngleType::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor seconds =
      at::from_blob(const_cast<double*>(times.data()), {int64_t(times.size())}, at::kDouble)
          .to(frequencies.device());
  const at::Tensor angles = at::outer(seconds.to(precision), frequencies.to(precision));
  return at::stack({angles.cos(), angles.sin()}, -1).to(at::kFloat);
}

}  // namespace tenfold::poyo_decode
