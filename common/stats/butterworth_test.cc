#include "common/stats/butterworth.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::stats {
namespace {

std::vector<double> series() {
  std::vector<double> x(40);
  for (int i = 0; i < 40; ++i) x[size_t(i)] = double((37 * i * i + 11 * i) % 101) / 50 - 1;
  return x;
}

void require_values(const std::vector<Biquad>& filter, const std::vector<double>& expected) {
  const std::vector<double> y = filtered_both_ways(filter, series());
  REQUIRE(y.size() == 40);
  const size_t at[] = {0, 1, 7, 20, 38, 39};
  for (size_t i = 0; i < 6; ++i) {
    CAPTURE(at[i]);
    CHECK(y[at[i]] == Approx(expected[i]).epsilon(1e-9));
  }
}

}  // namespace

TEST_CASE("filters and their passes both ways are scipy 1.17.1's butter and sosfiltfilt") {
  require_values(butterworth_low_pass(4, 1, 50), {-0.97855831229, -0.913192819422, -0.51203778643,
                                                  0.0601524229043, 0.106027139836, 0.103091013225});
  require_values(butterworth_high_pass(4, 8, 50),
                 {0.001008256164, 0.305862531759, 0.15760510197, 0.146839862642, -0.698628880901,
                  0.00017735310864});
  require_values(butterworth_low_pass(2, 20, 200),
                 {-1.00164172893, -0.53324013528, 0.329880550517, 0.299142994377, -0.0786242157782,
                  -0.101457498182});
}

TEST_CASE("a constant passes the low-pass and not the high-pass, also a short one") {
  for (const size_t n : {size_t(1), size_t(2), size_t(5), size_t(300)}) {
    const std::vector<double> x(n, 3.0);
    for (const double y : filtered_both_ways(butterworth_low_pass(4, 1, 50), x))
      CHECK(y == Approx(3));
    for (const double y : filtered_both_ways(butterworth_high_pass(4, 1, 50), x))
      CHECK(std::abs(y) < 1e-12);
  }
  CHECK(filtered_both_ways(butterworth_low_pass(4, 1, 50), {}).empty());
}

TEST_CASE("odd orders and cutoffs that the rate cannot hold are refused") {
  CHECK_THROWS_AS(butterworth_low_pass(3, 1, 50), UsageError);
  CHECK_THROWS_AS(butterworth_low_pass(4, 25, 50), UsageError);
  CHECK_THROWS_AS(butterworth_high_pass(4, 0, 50), UsageError);
}

}  // namespace tenfold::stats
