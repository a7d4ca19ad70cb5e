// The released code's way to score: entries of some windows in one pot (specification, section 5).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tools/samba-align/translation_metrics.h"

namespace tenfold::samba_align {

// Which of `count` windows are pooled: of 11 batches of ten that are drawn with replacement, the
// first five of the first and the last five of the others. 55 numbers.
std::vector<int64_t> reference_windows(int64_t count);

struct PooledMetrics {
  int64_t entries = 0;
  std::optional<double> spearman, r2;            // none where something does not vary
  std::optional<double> root_mse, median_error;  // none without entries
};

// All entries of these windows, targets and frames together, but those whose truth is exactly 0.
PooledMetrics pooled_metrics(const Translation& t, const std::vector<int64_t>& windows);

}  // namespace tenfold::samba_align
