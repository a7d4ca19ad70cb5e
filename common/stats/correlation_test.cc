#include "common/stats/correlation.h"

#include <catch2/catch.hpp>

namespace tenfold::stats {

TEST_CASE("Pearson's and Spearman's correlations are those of a worked example with ties") {
  // By hand: sum of products 6 over sqrt(10 * 6); of the ranks 7 over sqrt(10 * 9).
  const std::vector<double> a = {1, 2, 3, 4, 5}, b = {2, 4, 5, 4, 5};
  CHECK(*correlation(a, b) == Approx(0.7745966692).epsilon(1e-9));
  CHECK(*rank_correlation(a, b) == Approx(0.7378647874).epsilon(1e-9));
}

TEST_CASE("ranks see the order alone") {
  const std::vector<double> a = {-3, 0.5, 2, 9}, cubes = {-27, 0.125, 8, 729};
  CHECK(*rank_correlation(a, cubes) == Approx(1).epsilon(1e-12));
  CHECK(*rank_correlation(a, {4, 3, 2, 1}) == Approx(-1).epsilon(1e-12));
  CHECK(*correlation(a, cubes) < 0.95);
}

TEST_CASE("a series that does not vary beyond rounding has no correlation") {
  CHECK(!correlation({0.1, 0.1, 0.1}, {1, 2, 3}));
  CHECK(!rank_correlation({1, 2, 3}, {5, 5, 5}));
}

}  // namespace tenfold::stats
