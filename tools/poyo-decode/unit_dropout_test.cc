#include "tools/poyo-decode/unit_dropout.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "common/core/error.h"

namespace tenfold::poyo_decode {

TEST_CASE("the number of units that stay follows c (1 - ln c)") {
  const UnitDropout d = parse_unit_dropout("30,100,300,4");
  const int64_t draws = 20000;
  double mean = 0;
  for (int64_t i = 0; i < draws; ++i)
    mean += double(units_kept(d, 1000, 5, uint64_t(i)).size()) / double(draws);
  // The mean of that density by a fine sum, cut to whole numbers.
  double mass = 0, expected = 0;
  for (double x = 30; x < 300; x += 0.01) {
    const double f = x <= 100 ? 1 + 3 * (x - 30) / 70 : 4 - 3 * (x - 100) / 200, c = f / 10;
    mass += c * (1 - std::log(c));
    expected += std::floor(x) * c * (1 - std::log(c));
  }
  CHECK(mean == Approx(expected / mass).margin(1.5));
}

TEST_CASE("which units stay is uniform, and few units all stay") {
  const UnitDropout d = parse_unit_dropout("3,5");
  std::vector<int64_t> seen(8, 0);
  std::set<size_t> sizes;
  for (uint64_t i = 0; i < 4000; ++i) {
    const std::vector<int64_t> kept = units_kept(d, 8, 1, i);
    sizes.insert(kept.size());
    for (int64_t unit : kept) ++seen[size_t(unit)];
  }
  CHECK(sizes == std::set<size_t>{3, 4, 5});
  for (int64_t count : seen) CHECK(double(count) == Approx(2000).margin(150));
  CHECK(units_kept(parse_unit_dropout("30,100,300,4"), 29, 0, 0).size() == 29);
  CHECK(units_kept(parse_unit_dropout("off"), 500, 0, 0).size() == 500);
}

TEST_CASE("a text that is no unit dropout is refused") {
  for (const char* text : {"", "a", "3", "5,3", "1,2,3", "5,4,9,4", "1,2,3,4,5", "3,4x"})
    CHECK_THROWS_AS(parse_unit_dropout(text), UsageError);
}

}  // namespace tenfold::poyo_decode
