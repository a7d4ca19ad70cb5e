#include "tools/samba-align/geometry.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::samba_align {
namespace {

constexpr double kPi = 3.14159265358979323846;

bool is_left(const Eigen::Vector3d& p) { return p.x() < 0; }

int64_t nonzero(const Matrix& m) { return (m.array() != 0).count(); }

}  // namespace

TEST_CASE("the Fibonacci lattice is its formula, and even") {
  const Points p = fibonacci_sphere(10, 70);
  REQUIRE(p.size() == 10);
  CHECK(p[0].z() == Approx(70 * 0.9));
  CHECK(p[3].z() == Approx(70 * 0.3));
  CHECK(std::atan2(p[1].y(), p[1].x()) == Approx(kPi * (3 - std::sqrt(5.0))));
  const Points many = fibonacci_sphere(500, 1);
  Eigen::Vector3d mean = Eigen::Vector3d::Zero();
  for (size_t i = 0; i < many.size(); ++i) {
    CHECK(many[i].norm() == Approx(1));
    mean += many[i] / 500;
    double nearest = 2;
    for (size_t j = 0; j < many.size(); ++j) {
      if (j != i) nearest = std::min(nearest, (many[i] - many[j]).norm());
    }
    // 500 equal hexagons would lie 0.170 apart.
    CHECK(nearest > 0.12);
    CHECK(nearest < 0.2);
  }
  CHECK(mean.norm() < 0.01);
}

TEST_CASE("parcels are numbered by hemisphere, then by the angle around the x axis") {
  for (const int64_t n : {20, 200, 500}) {
    CAPTURE(n);
    const Points p = parcel_positions(n);
    Points sorted = p, lattice = fibonacci_sphere(n, 70);
    const auto less = [](const auto& a, const auto& b) { return a.z() < b.z(); };
    std::sort(sorted.begin(), sorted.end(), less);
    std::sort(lattice.begin(), lattice.end(), less);
    CHECK(sorted == lattice);  // the same points
    const auto right = std::find_if_not(p.begin(), p.end(), is_left);
    CHECK(std::none_of(right, p.end(), is_left));
    CHECK(std::abs(double(right - p.begin()) - double(n) / 2) < 0.05 * double(n) + 1);
    const auto rising = [](const auto& a, const auto& b) {
      return std::atan2(a.z(), a.y()) < std::atan2(b.z(), b.y());
    };
    CHECK(std::is_sorted(p.begin(), right, rising));
    CHECK(std::is_sorted(right, p.end(), rising));
  }
}

TEST_CASE("blocks of neighbours in number are regions") {
  const Points p = parcel_positions(200);
  const Matrix d = distances(p, p);
  CHECK(d == Matrix(d.transpose()));
  double within = 0;
  for (int64_t patch = 0; patch < 20; ++patch)
    within += d.block(10 * patch, 10 * patch, 10, 10).mean() / 20;
  CHECK(within < 0.6 * d.mean());
}

TEST_CASE("spatial mixing falls with the square of the distance, child mixing is one-hot") {
  Matrix d(2, 3);
  d << 0, 15, 30, 10, 10, 10;
  const Matrix m = spatial_mixing(d);
  CHECK(m.rowwise().sum().isApproxToConstant(1));
  CHECK(m(0, 1) / m(0, 0) == Approx(std::exp(-0.5)));
  CHECK(m(0, 2) / m(0, 0) == Approx(std::exp(-2.0)));
  CHECK(m(1, 2) == Approx(1. / 3));
  const Matrix child = child_mixing(40, 20);
  for (int64_t q = 0; q < 40; ++q) CHECK(child(q, q / 2) == 1);
  CHECK(child.sum() == 40);
  const Matrix odd = child_mixing(5, 3);  // floor(q * 3 / 5) = 0 0 1 1 2
  CHECK((odd(0, 0) == 1 && odd(1, 0) == 1 && odd(2, 1) == 1 && odd(3, 1) == 1 && odd(4, 2) == 1));
}

TEST_CASE("30 % of the pairs are connected, symmetrically, and near ones more often") {
  const Points p = parcel_positions(60);
  const Matrix d = distances(p, p);
  const Matrix c = draw_connections(d, 3);
  CHECK(c == Matrix(c.transpose()));
  CHECK(c.diagonal().isZero());
  CHECK(nonzero(c) == 2 * std::lround(0.3 * 60 * 59 / 2));
  const Matrix linked = (c.array() != 0).cast<double>();
  const double mean_linked = linked.cwiseProduct(d).sum() / linked.sum();
  CHECK(mean_linked < 0.7 * d.sum() / (60 * 59));
  // log of weight * exp(d / 30) is half a normal number; cut from below, so only its spread upward
  // is known: none is beyond 5 standard deviations.
  for (int64_t i = 0; i < c.size(); ++i) {
    if (c.data()[i] > 0) CHECK(std::abs(std::log(c.data()[i]) + d.data()[i] / 30) < 2.5);
  }
  CHECK(draw_connections(d, 4) != c);
  const Matrix rows = rows_summing_to_one(c);
  for (int64_t i = 0; i < 60; ++i) {
    const double sum = rows.row(i).sum();
    CHECK((sum == 0 || std::abs(sum - 1) < 1e-12));
  }
  CHECK(rows_summing_to_one(Matrix::Zero(2, 2)).isZero());
}

TEST_CASE("a subject's own connections differ by a tenth, symmetrically") {
  const Points p = parcel_positions(60);
  const Matrix c = draw_connections(distances(p, p), 3);
  const Matrix own = with_individual_strengths(c, 3, "sub-01/connectome");
  CHECK(own == Matrix(own.transpose()));
  CHECK(nonzero(own) == nonzero(c));
  double squares = 0;
  for (int64_t i = 0; i < c.size(); ++i) {
    if (c.data()[i] > 0) squares += std::pow(std::log(own.data()[i] / c.data()[i]), 2);
  }
  CHECK(std::sqrt(squares / double(nonzero(c))) == Approx(0.1).epsilon(0.1));
}

TEST_CASE("streamline counts become log(1 + count); what is none is refused") {
  Matrix counts(2, 2);
  counts << 5, 9, 0, 7;
  const Matrix c = connections_of_counts(counts, 2);
  CHECK(c(0, 1) == Approx(std::log(10.0)));
  CHECK((c(1, 0) == 0 && c(0, 0) == 0 && c(1, 1) == 0));
  CHECK_THROWS_AS(connections_of_counts(counts, 3), DataError);
  counts(1, 0) = -1;
  CHECK_THROWS_WITH(connections_of_counts(counts, 2), Catch::Contains("row 1, column 0"));
  counts(1, 0) = std::nan("");
  CHECK_THROWS_AS(connections_of_counts(counts, 2), DataError);
}

TEST_CASE("delays are 1 ms for 6 mm, rounded") {
  Matrix d(1, 3);
  d << 6, 20, 140;
  const Matrix ms = delays_ms(d);
  CHECK((ms(0, 0) == 1 && ms(0, 1) == 3 && ms(0, 2) == 23));
}

}  // namespace tenfold::samba_align
