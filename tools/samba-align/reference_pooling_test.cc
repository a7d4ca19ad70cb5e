#include "tools/samba-align/reference_pooling.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

namespace tenfold::samba_align {

TEST_CASE("entries are pooled, but those whose truth is 0") {
  Translation t;
  t.windows = 2;
  t.targets = 2;
  t.frames = 2;
  t.truth = {1, 2, 0, 3, 9, 9, 9, 9};
  t.translated = {2, 1, 50, 4, 0, 0, 0, 0};
  const PooledMetrics m = pooled_metrics(t, {0});
  // By hand, of (1, 2), (2, 1), (3, 4).
  CHECK(m.entries == 3);
  CHECK(*m.spearman == Approx(0.5));
  // r = 2 / sqrt(2 * 14/3)
  CHECK(*m.r2 == Approx(4 / (2 * 14.0 / 3)));
  CHECK(*m.root_mse == Approx(1));
  CHECK(*m.median_error == Approx(1));
  // A window that is drawn twice counts twice, one that does not vary has no correlation.
  CHECK(pooled_metrics(t, {0, 0}).entries == 6);
  CHECK_FALSE(pooled_metrics(t, {1}).r2.has_value());
  CHECK(*pooled_metrics(t, {1}).root_mse == Approx(9));
}

TEST_CASE("the released code pools 55 of the windows drawn for validation") {
  const std::vector<int64_t> windows = reference_windows(12);
  CHECK(windows.size() == 5 + 10 * 5);
  const std::set<int64_t> different(windows.begin(), windows.end());
  CHECK(*different.begin() >= 0);
  CHECK(*different.rbegin() < 12);
  CHECK(different.size() > 6);
  CHECK(reference_windows(1) == std::vector<int64_t>(55, 0));
}

}  // namespace tenfold::samba_align
