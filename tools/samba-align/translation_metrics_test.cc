#include "tools/samba-align/translation_metrics.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace tenfold::samba_align {

TEST_CASE(
    "metrics of a series that is another's multiple are perfect, of its negative the opposite") {
  Translation t{2, 2, 4, {}, {}};
  t.truth = {9, 1, 3, 2, 9, 5, 1, 4, 9, 6, 2, 2.5f, 9, 0, 1, 7};
  for (size_t i = 0; i < t.truth.size(); ++i)
    t.translated.push_back(t.truth[i] * (i / 4 % 2 == 0 ? 3.0f : -1.0f));
  const auto m = parcel_metrics(t, 1);
  CHECK(*m[0].pearson == Approx(1));
  CHECK(*m[0].spearman == Approx(1));
  CHECK(*m[0].rmse == Approx(0).margin(1e-6));
  CHECK(*m[1].pearson == Approx(-1));
  CHECK(*m[1].spearman == Approx(-1));
  CHECK(*m[1].r2 == Approx(1));
  CHECK(*m[1].rmse == Approx(2));
  const WithinWindow w = within_window(t, 1);
  CHECK(*w.r == Approx(0).margin(1e-9));
  CHECK(w.used == 4);
  CHECK(mean_cosine_loss(t) == Approx(1));  // targets of 0 and of 2
}

TEST_CASE("Pearson and Spearman correlations are those of a worked example") {
  // NumPy: corrcoef of the values, and of the ranks, which ties share.
  Translation t{1, 1, 5, {1, 2, 3, 4, 5}, {2, 4, 5, 4, 5}};
  const auto m = parcel_metrics(t, 0);
  CHECK(*m[0].pearson == Approx(0.7745966692).epsilon(1e-6));
  CHECK(*m[0].spearman == Approx(0.7378647874).epsilon(1e-6));
}

TEST_CASE("a series that does not vary has no correlation and is counted") {
  const Translation t{1, 1, 3, {1, 2, 3}, {0.1f, 0.1f, 0.1f}};
  CHECK(!parcel_metrics(t, 0)[0].pearson);
  CHECK(within_window(t, 0).skipped == 1);
  CHECK(!within_window(t, 0).r);
}

}  // namespace tenfold::samba_align
