#include "tools/poyo-decode/time_scaling.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "common/core/error.h"

namespace tenfold::poyo_decode {

TEST_CASE("time scaling is read as written, and refused where it makes no sense") {
  CHECK(!parse_time_scaling("off").on());
  const TimeScaling s = parse_time_scaling("0.9,1.25");
  CHECK(s.on());
  CHECK(s.min == 0.9);
  CHECK(s.max == 1.25);
  for (const char* text : {"", "1", "0,1", "1.2,0.8", "0.9,1.1,", "0.9;1.1", "-1,1", "a,b"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_time_scaling(text), UsageError);
  }
}

TEST_CASE("scales fill their range and repeat by seed and window") {
  const TimeScaling s{0.8, 1.3};
  double low = 2, high = 0, sum = 0;
  for (uint64_t n = 0; n < 4000; ++n) {
    const double a = time_scale(s, 1, n);
    low = std::min(low, a);
    high = std::max(high, a);
    sum += a;
  }
  CHECK(low >= 0.8);
  CHECK(low < 0.801);
  CHECK(high < 1.3);
  CHECK(high > 1.299);
  CHECK(sum / 4000 == Approx(1.05).margin(0.01));  // 4 standard errors
  CHECK(time_scale(s, 1, 7) == time_scale(s, 1, 7));
  CHECK(time_scale(s, 1, 7) != time_scale(s, 2, 7));
}

}  // namespace tenfold::poyo_decode
