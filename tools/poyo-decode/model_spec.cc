#include "tools/poyo-decode/model_spec.h"

#include <fmt/format.h>

#include <cmath>

#include "common/core/error.h"

namespace tenfold::poyo_decode {

std::vector<double> ModelSpec::latent_times() const {
  std::vector<double> times;
  const int64_t count = static_cast<int64_t>(std::ceil(window / latent_step));
  for (int64_t k = 0; k < count; ++k)
    times.push_back(static_cast<double>(k) * latent_step + latent_step / 2);
  return times;
}

void check(const ModelSpec& s) {
  if (s.dim_head % 4 != 0)
    throw UsageError(fmt::format("--dim-head: found {}, expected a multiple of 4", s.dim_head));
  if (s.latent_step > s.window) {
    throw UsageError(fmt::format("--latent-step: found {}, expected at most --window {}",
                                 s.latent_step, s.window));
  }
}

}  // namespace tenfold::poyo_decode
