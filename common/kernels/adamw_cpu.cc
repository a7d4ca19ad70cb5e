#include <cmath>

#include "common/kernels/adamw.h"
#include "common/kernels/adamw_body.h"

namespace tenfold::kernels {

void adamw_update(float* __restrict parameters, float* __restrict first_moment,
                  float* __restrict second_moment, const float* __restrict gradient,
                  const float* __restrict decay, double uniform_decay, int64_t n, int64_t step,
                  double gradient_scale, const AdamWOptions& o) {
  const double correction1 = 1 - std::pow(o.beta1, double(step)),
               correction2 = 1 - std::pow(o.beta2, double(step));
  const AdamWStep s{float(o.lr),
                    float(o.beta1),
                    float(1 - o.beta1),
                    float(o.beta2),
                    float(1 - o.beta2),
                    float(o.eps),
                    float(o.lr / correction1),
                    float(1 / std::sqrt(correction2)),
                    float(gradient_scale)};
  const auto uniform = static_cast<float>(uniform_decay);
  for (int64_t i = 0; i < n; ++i) {
    adamw_moments(first_moment[i], second_moment[i], gradient[i] * s.gradient_scale, s);
    adamw_parameter(parameters[i], first_moment[i], std::sqrt(second_moment[i]),
                    decay != nullptr ? decay[i] : uniform, s);
  }
}

}  // namespace tenfold::kernels
