#include "tools/samba-align/balloon_model.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

namespace tenfold::samba_align {
namespace {

double seconds(const std::vector<double>& bold, std::vector<double>::const_iterator at) {
  return double(at - bold.begin()) * kBalloonStep;
}

}  // namespace

TEST_CASE("a balloon without drive stays at rest") {
  for (const double v : balloon_bold({}, std::vector<double>(3000, 0.0))) REQUIRE(v == 0);
}

TEST_CASE("a pulse of 1 s gives the checked peak and trough") {
  std::vector<double> drive(3000, 0.0);
  std::fill_n(drive.begin(), 100, 0.5);
  const std::vector<double> bold = balloon_bold({}, drive);
  const auto peak = std::max_element(bold.begin(), bold.end());
  const auto trough = std::min_element(bold.begin(), bold.end());
  CHECK(*peak == Approx(0.01506).margin(5e-6));
  CHECK(seconds(bold, peak) == Approx(3.5).margin(0.05));
  CHECK(*trough == Approx(-0.00275).margin(5e-6));
  CHECK(seconds(bold, trough) == Approx(9.5).margin(0.07));
}

TEST_CASE("the response does not depend on the rate of the drive") {
  // z = 1 is a drive of 0.5.
  for (const double rate : {20.0, 50.0, 100.0, 200.0, 256.0}) {
    CAPTURE(rate);
    std::vector<double> z(size_t(30 * rate), 0.0);
    std::fill_n(z.begin(), size_t(rate), 1.0);
    const std::vector<double> bold = balloon_response({}, z, rate);
    REQUIRE(bold.size() == z.size());
    const auto peak = std::max_element(bold.begin(), bold.end());
    CHECK(*peak == Approx(0.01506).epsilon(0.005));
    CHECK(double(peak - bold.begin()) / rate == Approx(3.5).margin(0.06));
  }
}

}  // namespace tenfold::samba_align
