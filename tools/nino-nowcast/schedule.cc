#include "tools/nino-nowcast/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::nino_nowcast {

std::vector<int64_t> horizon_schedule(int64_t max_train_steps, int64_t period, double p,
                                      int64_t K) {
  if (period < 1) throw UsageError(fmt::format("--period: found {}, expected at least 1", period));
  if (!(p > 0) || !std::isfinite(p)) {
    throw UsageError(fmt::format("--k-decay: found {}, expected a number above 0", p));
  }
  if (K < 1) throw UsageError(fmt::format("longest horizon: found {}, expected at least 1", K));
  const int64_t n = std::max<int64_t>(1, max_train_steps / period);
  const double start = std::pow(double(K), 1 / p);
  const double step = n > 1 ? (1 - start) / double(n - 1) : 0;
  std::vector<int64_t> k(static_cast<size_t>(n));
  for (int64_t j = 0; j < n; ++j) {
    k[size_t(j)] = static_cast<int64_t>(std::nearbyint(std::pow(start + double(j) * step, p)));
  }
  if (n > 1) k.back() = 1;
  return k;
}

int64_t schedule_index(int64_t step, int64_t period, int64_t n) {
  return std::clamp<int64_t>(step / period, 0, n - 1);
}

}  // namespace tenfold::nino_nowcast
