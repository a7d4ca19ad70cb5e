#include "tools/samba-align/reference_pooling.h"

#include <algorithm>
#include <cmath>

#include "common/core/philox.h"
#include "common/stats/correlation.h"

namespace tenfold::samba_align {

std::vector<int64_t> reference_windows(int64_t count) {
  constexpr uint64_t kBatches = 11, kBatch = 10, kHalf = 5;
  const Stream stream(0, "reference pooling");
  std::vector<int64_t> windows;
  for (uint64_t b = 0; b < kBatches; ++b) {
    const uint64_t first = b * kBatch + (b == 0 ? 0 : kHalf);
    for (uint64_t k = first; k < first + kHalf; ++k)
      windows.push_back(int64_t(stream.below(k, uint64_t(count))));
  }
  return windows;
}

PooledMetrics pooled_metrics(const Translation& t, const std::vector<int64_t>& windows) {
  std::vector<double> truth, found, errors;
  double squares = 0;
  for (const int64_t w : windows) {
    for (int64_t q = 0; q < t.targets; ++q) {
      for (int64_t f = 0; f < t.frames; ++f) {
        const double y = t.of(t.truth, w, q)[f], y_hat = t.of(t.translated, w, q)[f];
        if (y == 0) continue;
        truth.push_back(y);
        found.push_back(y_hat);
        errors.push_back(std::abs(y - y_hat));
        squares += errors.back() * errors.back();
      }
    }
  }
  PooledMetrics m;
  m.entries = int64_t(truth.size());
  if (truth.empty()) return m;
  m.spearman = stats::rank_correlation(truth, found);
  if (const auto r = stats::correlation(truth, found)) m.r2 = *r * *r;
  m.root_mse = std::sqrt(squares / double(errors.size()));
  std::sort(errors.begin(), errors.end());
  m.median_error = (errors[(errors.size() - 1) / 2] + errors[errors.size() / 2]) / 2;
  return m;
}

}  // namespace tenfold::samba_align
