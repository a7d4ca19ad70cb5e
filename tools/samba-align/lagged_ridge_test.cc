#include "tools/samba-align/lagged_ridge.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace tenfold::samba_align {

TEST_CASE("bands that the rate holds are kept") {
  CHECK(power_bands(200).size() == 5);
  CHECK(power_bands(50).size() == 3);
  CHECK(power_bands(50)[2].high_hz == 13);
  CHECK(power_bands(90).size() == 4);  // 45 Hz is the limit itself
}

TEST_CASE("a sine of amplitude a has the power a^2 / 4 in its band, and the mean is its own") {
  const int64_t block = 100;  // 2 s
  Matrix x(2, 3 * block);
  for (int64_t t = 0; t < x.cols(); ++t) {
    x(0, t) = 3 + 0.8 * std::sin(2 * M_PI * 6.5 * double(t) / 50 + 0.3);
    x(1, t) = 2 * std::cos(2 * M_PI * 8 * double(t) / 50);
  }
  const Matrix f = block_features(x, 50, block);
  REQUIRE(f.rows() == 3);
  REQUIRE(f.cols() == 2 * 4);
  for (int64_t j = 0; j < 3; ++j) {
    CHECK(f(j, 0) == Approx(3));
    CHECK(f(j, 1) == Approx(std::log(1e-12)).epsilon(1e-6));
    CHECK(f(j, 2) == Approx(std::log(0.8 * 0.8 / 4)));
    CHECK(f(j, 3) == Approx(std::log(1e-12)).epsilon(1e-6));
    // A band holds its lower end.
    CHECK(f(j, 4) == Approx(0).margin(1e-12));
    CHECK(f(j, 7) == Approx(std::log(1.0)).margin(1e-9));
  }
}

TEST_CASE("lags look back, before the recording at its first frame") {
  Matrix f(4, 2);
  f << 1, 2, 3, 4, 5, 6, 7, 8;
  Matrix expected(4, 6);
  expected << 1, 2, 1, 2, 1, 2,  //
      3, 4, 1, 2, 1, 2,          //
      5, 6, 3, 4, 1, 2,          //
      7, 8, 5, 6, 3, 4;
  CHECK(with_lags(f, 2) == expected);
}

}  // namespace tenfold::samba_align
