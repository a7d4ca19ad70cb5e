#include "tools/rich-lazy/initial_weights.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::rich_lazy {
namespace {

Draw draw_of(int64_t units = 60) { return Draw(gaussian(Stream(2, "recurrent"), units, 1.25)); }

}  // namespace

TEST_CASE("a truncated draw has the draw's own first triples, and the whole draw its numbers") {
  Draw draw = draw_of();
  CHECK(truncated(draw, 60, {}, "gauss") == draw.matrix());
  const Matrix ten = truncated(draw, 10, {}, "gauss");
  CHECK(spectrum_of(ten).matrix_rank == 10);
  // The best approximation of rank 10 (Eckart and Young): what is left has the other values.
  const Vector left = spectrum_of(draw.matrix() - ten).singular;
  CHECK(left.head(50).isApprox(draw.svd().s.tail(50), 1e-8));
  Draw low(ten);
  CHECK_THROWS_WITH(truncated(low, 11, {}, "x.csv"), "--ranks: rank 11 > 10, the rank of x.csv");
}

TEST_CASE("soft spectra keep the draw's vectors and have the values asked for") {
  Draw draw = draw_of();
  const Vector power =
      spectrum_of(truncated(draw, 60, parse_spectrum("power:2"), "gauss")).singular;
  const Vector fall = spectrum_of(truncated(draw, 60, parse_spectrum("exp:5"), "gauss")).singular;
  for (int64_t i = 0; i < 10; ++i) {
    CHECK(power(i) == Approx(1 / double((i + 1) * (i + 1))).epsilon(1e-8));
    CHECK(fall(i) == Approx(std::exp(-double(i) / 5)).epsilon(1e-8));
  }
  for (const std::string text : {"rang", "power", "power:x", "exp:0", "soft:1"})
    CHECK_THROWS_AS(parse_spectrum(text), UsageError);
}

TEST_CASE("each normalisation fixes what it names") {
  Draw draw = draw_of();
  const Matrix m = truncated(draw, 3, {}, "gauss");
  const auto to = [&](Normalisation n) { return spectrum_of(normalised(m, n, 7, 1.5, "m")); };
  CHECK(to(Normalisation::kFrobenius).fro_norm == Approx(7));
  CHECK(to(Normalisation::kSpectral).spectral_norm == Approx(1.5));
  CHECK(to(Normalisation::kRadius).spectral_radius == Approx(1.5));
  CHECK(to(Normalisation::kNone).fro_norm == Approx(m.norm()));
  const Matrix zero = Matrix::Zero(4, 4);
  CHECK_THROWS_AS(normalised(zero, Normalisation::kFrobenius, 7, 1, "z"), DataError);
  Matrix nilpotent = zero;
  nilpotent(0, 1) = 1;
  CHECK_THROWS_AS(normalised(nilpotent, Normalisation::kRadius, 7, 1, "n"), DataError);
  CHECK(normalised(nilpotent, Normalisation::kFrobenius, 7, 1, "n").norm() == Approx(7));
}

TEST_CASE("effective ranks of known matrices") {
  const Spectrum identity = spectrum_of(Matrix::Identity(8, 8));
  CHECK(identity.effective_rank == Approx(1));
  CHECK(identity.effective_rank_sv == Approx(1));
  CHECK(identity.participation == Approx(1));
  Vector v(4);
  v << 4, 2, 1, 1;
  const Spectrum diagonal = spectrum_of(Matrix(v.asDiagonal()));
  CHECK(diagonal.effective_rank == Approx(8.0 / 16));
  CHECK(diagonal.participation == Approx(22.0 * 22 / (4 * (256 + 16 + 2))));
  // A shift has no eigenvalue but 0.
  Matrix shift = Matrix::Zero(3, 3);
  shift(1, 0) = shift(2, 1) = 1;
  CHECK(spectrum_of(shift).spectral_radius == Approx(0).margin(1e-4));
  CHECK(spectrum_of(shift).matrix_rank == 2);
}

TEST_CASE("a Gaussian of 297 units has the effective ranks of the specification, one draw +-0.01") {
  const Spectrum s = spectrum_of(gaussian(Stream(0, "recurrent"), 297, 1.25));
  CHECK(s.effective_rank == Approx(0.656).margin(0.015));
  CHECK(s.effective_rank_sv == Approx(0.427).margin(0.01));
  CHECK(s.participation == Approx(0.498).margin(0.01));
}

}  // namespace tenfold::rich_lazy
