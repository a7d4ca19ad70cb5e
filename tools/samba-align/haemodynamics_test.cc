#include "tools/samba-align/haemodynamics.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::samba_align {
namespace {

constexpr int64_t kMany = 4000;

struct Range {
  double low = 1e9, high = -1e9, sum = 0;
  void add(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
    sum += v / kMany;
  }
};

// Uniform over low .. high: close to both ends, the mean half-way.
void check_uniform(const Range& found, double low, double high) {
  const double width = high - low;
  CHECK(found.low >= low);
  CHECK(found.high <= high);
  CHECK(found.low == Approx(low).margin(0.01 * width));
  CHECK(found.high == Approx(high).margin(0.01 * width));
  CHECK(found.sum == Approx((low + high) / 2).margin(0.02 * width + 1e-12));
}

std::vector<Range> ranges_of(const std::string& box) {
  std::vector<Range> out(6);
  for (const DoubleGamma& r : draw_responses(box, kMany, 1, "x")) {
    const double six[] = {r.d1, r.d2, r.s1, r.s2, r.c1, r.c2};
    for (size_t k = 0; k < 6; ++k) out[k].add(six[k]);
  }
  return out;
}

}  // namespace

TEST_CASE("responses fill the box that the model can reach") {
  const std::vector<Range> r = ranges_of("model");
  check_uniform(r[0], 6, 6 + 4);  // init and range of section 3.2
  check_uniform(r[1], 12, 12 + 2);
  check_uniform(r[2], 0.5, 0.5 + 0.8);
  check_uniform(r[3], 0.7, 0.7 + 0.1);
  check_uniform(r[4], 0.5, 0.5 + 0.6);
  check_uniform(r[5], 0.4, 0.4 + 0.4);
}

TEST_CASE("the small box varies delay and dispersion of the response alone") {
  const std::vector<Range> r = ranges_of("small");
  check_uniform(r[0], 6, 10);
  check_uniform(r[2], 0.6, 1.1);
  CHECK((r[1].low == 13 && r[1].high == 13));
  CHECK((r[3].low == 0.75 && r[3].high == 0.75));
  CHECK((r[4].low == 0.8 && r[4].high == 0.8));
  CHECK((r[5].low == 0.4 && r[5].high == 0.4));
}

TEST_CASE("balloons differ by 15 %") {
  double squares = 0, mean = 0;
  for (const Balloon& b : draw_balloons(kMany, 1, "x")) {
    squares += std::pow(std::log(b.kappa / 0.65), 2) + std::pow(std::log(b.gamma / 0.41), 2) +
               std::pow(std::log(b.tau / 0.98), 2);
    mean += std::log(b.tau / 0.98) / kMany;
  }
  CHECK(std::sqrt(squares / (3 * kMany)) == Approx(0.15).epsilon(0.03));
  CHECK(mean == Approx(0).margin(0.01));
}

TEST_CASE("rows are convolved with their own kernels, divided by the rate") {
  const auto responses = draw_responses("model", 3, 1, "x");
  const Matrix kernels = response_kernels(responses, 10);
  CHECK((kernels.rows() == 3 && kernels.cols() == 300));
  Matrix drive = Matrix::Zero(3, 500);
  drive(1, 20) = 1;
  drive(2, 0) = -2;
  const Matrix bold = convolved(drive, kernels, 10);
  CHECK(bold.row(0).isZero(1e-14));
  CHECK((bold.row(1).segment(20, 300) - kernels.row(1) / 10).cwiseAbs().maxCoeff() < 1e-14);
  CHECK((bold.row(2).head(300) + kernels.row(2) / 5).cwiseAbs().maxCoeff() < 1e-14);
}

TEST_CASE("a frame is the last sample of its block, standardised over all samples") {
  Matrix m(2, 6);
  m << 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 12;
  const Matrix frames = standardised_frames(m, 2, "x");
  REQUIRE(frames.cols() == 3);
  CHECK(frames(0, 0) == Approx((2 - 3.5) / std::sqrt(3.5)));
  CHECK(frames(0, 2) == Approx((6 - 3.5) / std::sqrt(3.5)));
  CHECK(frames(1, 2) == Approx((12 - 2) / std::sqrt(24)));
  standardise_rows(m, "x");
  CHECK(m.row(1).mean() == Approx(0).margin(1e-15));
  CHECK(m.row(1).squaredNorm() == Approx(5));
  Matrix constant = Matrix::Ones(2, 4);
  CHECK_THROWS_WITH(standardise_rows(constant, "rates"), Catch::Contains("rates: row 0"));
  CHECK_THROWS_AS(standardised_frames(constant, 2, "x"), NumericError);
}

}  // namespace tenfold::samba_align
