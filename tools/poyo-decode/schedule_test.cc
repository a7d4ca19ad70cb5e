#include "tools/poyo-decode/schedule.h"

#include <catch2/catch.hpp>

namespace tenfold::poyo_decode {

TEST_CASE("the rate is full for the first half and then a cosine down to its ten-thousandth") {
  ScheduleOptions o;
  o.steps = 100;
  for (int64_t k : {0, 10, 49}) CHECK(rate_factor(o, k) == 1);
  CHECK(rate_factor(o, 50) < 1);
  CHECK(rate_factor(o, 74) == Approx(1e-4 + (1 - 1e-4) * 0.5).margin(1e-12));
  CHECK(rate_factor(o, 99) == Approx(1e-4));
  o.half_open = true;
  CHECK(rate_factor(o, 50) == 1);
  CHECK(rate_factor(o, 75) == Approx(1e-4 + (1 - 1e-4) * 0.5));
}

TEST_CASE("beta1 is that of PyTorch's OneCycle") {
  ScheduleOptions o;
  o.steps = 100;
  CHECK(beta1_at(o, 25) == 0.9);
  o.cycle_momentum = true;
  // Specification, section 4.
  CHECK(beta1_at(o, 0) == Approx(0.95));
  CHECK(beta1_at(o, 25) == Approx(0.898397).margin(1e-6));
  CHECK(beta1_at(o, 49) == Approx(0.85));
  CHECK(beta1_at(o, 75) == Approx(0.903140).margin(1e-6));
  CHECK(beta1_at(o, 99) == Approx(0.95));
  o.steps = 2;
  CHECK(beta1_at(o, 0) == Approx(0.85));
  CHECK(beta1_at(o, 1) == Approx(0.95));
}

}  // namespace tenfold::poyo_decode
