#include "common/kernels/adamw_body.h"

namespace tenfold::kernels {

void adamw_update(float* __restrict parameters, float* __restrict first_moment,
                  float* __restrict second_moment, const float* __restrict gradient,
                  const float* __restrict decay, double uniform_decay, int64_t n, int64_t step,
                  double gradient_scale, const AdamWOptions& options) {
  const AdamWStep s = adamw_step(options, step, gradient_scale);
  const auto uniform = static_cast<float>(uniform_decay);
  for (int64_t i = 0; i < n; ++i) {
    adamw_entry(parameters[i], first_moment[i], second_moment[i], gradient[i],
                decay != nullptr ? decay[i] : uniform, s);
  }
}

}  // namespace tenfold::kernels
