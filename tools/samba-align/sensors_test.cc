#include "tools/samba-align/sensors.h"

#include <Eigen/Geometry>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

using Eigen::Vector3d;

constexpr double kPi = 3.14159265358979323846;

Vector3d vector(uint64_t index) {
  const Stream s(1, "vectors");
  return {s.normal(3 * index), s.normal(3 * index + 1), s.normal(3 * index + 2)};
}

// Potential of a unit current at r0 within a unit sphere of unit conductivity (Neumann series).
double point_source(const Vector3d& r0, const Vector3d& electrode) {
  const double f = r0.norm(), x = r0.dot(electrode) / f;
  double sum = 0, power = f, before = 1, legendre = x;
  for (int n = 1; n <= 60; ++n, power *= f) {
    sum += (2. * n + 1) / n * power * legendre;
    const double next = ((2. * n + 1) * x * legendre - n * before) / (n + 1);
    before = legendre, legendre = next;
  }
  return sum / (4 * kPi);
}

double rms(const FloatMatrix& m) { return std::sqrt(m.cast<double>().squaredNorm() / m.size()); }

FloatMatrix waves(int64_t parcels, int64_t samples, double rate) {
  FloatMatrix out(parcels, samples);
  for (int64_t p = 0; p < parcels; ++p) {
    for (int64_t n = 0; n < samples; ++n) {
      out(p, n) = float(7 + std::sin(2 * kPi * (5 + 0.37 * double(p)) * double(n) / rate));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("a radial dipole makes no magnetic field") {
  for (uint64_t i = 0; i < 20; ++i) {
    const Vector3d at = 0.07 * vector(i).normalized(), r = 0.11 * vector(100 + i).normalized();
    const double tangential = magnetic_field(at.unitOrthogonal(), at, r).norm();
    CHECK(magnetic_field(at.normalized(), at, r).norm() < 1e-15 * tangential);
  }
}

TEST_CASE("the radial field is that of a dipole in an infinite medium") {
  for (uint64_t i = 0; i < 20; ++i) {
    const Vector3d at = 0.07 * vector(i).normalized(), r = 0.11 * vector(100 + i).normalized();
    const Vector3d q = vector(200 + i), a = r - at;
    const Vector3d infinite = 1e-7 * q.cross(a) / std::pow(a.norm(), 3);
    CHECK(magnetic_field(q, at, r).dot(r.normalized()) ==
          Approx(infinite.dot(r.normalized())).epsilon(1e-10));
  }
}

TEST_CASE("outside the sphere the magnetic field has neither sources nor turns") {
  const Vector3d at(0.02, -0.03, 0.05), q(1, 2, -0.5), r(0.06, 0.05, 0.1);
  const double step = 1e-5;
  Eigen::Matrix3d slope;  // column j: derivative along axis j
  for (int j = 0; j < 3; ++j) {
    const Vector3d e = step * Vector3d::Unit(j);
    slope.col(j) = (magnetic_field(q, at, r + e) - magnetic_field(q, at, r - e)) / (2 * step);
  }
  const double size = slope.norm();
  CHECK(std::abs(slope.trace()) < 1e-6 * size);
  CHECK((slope - slope.transpose()).norm() < 1e-6 * size);
}

TEST_CASE("a dipole in the centre makes three times the potential of an infinite medium") {
  const double radius = 0.09, sigma = 0.33;
  for (uint64_t i = 0; i < 10; ++i) {
    const Vector3d q = vector(i), e = radius * vector(50 + i).normalized();
    const double expected = 3 * q.dot(e.normalized()) / (4 * kPi * sigma * radius * radius);
    CHECK(electric_potential(q, Vector3d::Zero(), e, radius, sigma) == Approx(expected));
  }
}

TEST_CASE("a dipole's potential is the derivative of a point source's") {
  for (uint64_t i = 0; i < 10; ++i) {
    const Vector3d at = (0.3 + 0.05 * double(i)) * vector(i).normalized();
    const Vector3d e = vector(50 + i).normalized(), radial = at.normalized();
    for (const Vector3d& q : {radial, radial.unitOrthogonal(), vector(80 + i).normalized()}) {
      const double step = 1e-5;
      const double slope =
          (point_source(at + step * q, e) - point_source(at - step * q, e)) / (2 * step);
      CHECK(electric_potential(q, at, e, 1, 1) == Approx(slope).epsilon(1e-6).margin(1e-8));
    }
  }
}

TEST_CASE("potentials scale with the head") {
  const Vector3d q(1, -2, 0.5), at(0.1, 0.3, 0.5), e = Vector3d(1, 1, 2).normalized();
  CHECK(electric_potential(q, 0.09 * at, 0.09 * e, 0.09, 0.33) ==
        Approx(electric_potential(q, at, e, 1, 1) / (0.33 * 0.09 * 0.09)));
}

TEST_CASE("dipoles are tangential at 0.7 to 0.9 of the head; sensors cover its upper half") {
  const Points parcels = parcel_positions(50);
  const Dipoles d = draw_dipoles(parcels, 4);
  for (size_t p = 0; p < parcels.size(); ++p) {
    CHECK(std::abs(d.orientations[p].dot(d.positions[p])) < 1e-15);
    CHECK(d.orientations[p].norm() == Approx(1));
    CHECK(d.positions[p].norm() > 0.063);
    CHECK(d.positions[p].norm() < 0.081);
    CHECK(d.positions[p].normalized().dot(parcels[p].normalized()) == Approx(1));
  }
  CHECK(meg_sensors().size() == 100);
  CHECK(eeg_electrodes().size() == 64);
  for (const Vector3d& r : meg_sensors()) CHECK((r.z() > 0 && std::abs(r.norm() - 0.11) < 1e-12));
  for (const Vector3d& r : eeg_electrodes()) {
    CHECK((r.z() > 0 && std::abs(r.norm() - 0.09) < 1e-12));
  }
}

TEST_CASE("turned sensors keep their distances; the angles of subjects spread by 5 degrees") {
  const Points at = meg_sensors();
  CHECK(turned(at, 1, "a")[0] != turned(at, 1, "b")[0]);
  double squares = 0;
  const int subjects = 400;
  for (int i = 0; i < subjects; ++i) {
    const Points t = turned(at, 1, "sub-" + std::to_string(i));
    REQUIRE((t[3] - t[77]).norm() == Approx((at[3] - at[77]).norm()));
    // A rotation's trace is 1 + 2 cos(angle): recovered from three turned vectors.
    Eigen::Matrix3d before, after;
    for (int k = 0; k < 3; ++k)
      before.col(k) = at[size_t(30 * k + 5)], after.col(k) = t[size_t(30 * k + 5)];
    const double cosine = ((after * before.inverse()).trace() - 1) / 2;
    squares += std::pow(std::acos(std::clamp(cosine, -1.0, 1.0)), 2) / subjects;
  }
  CHECK(std::sqrt(squares) * 180 / kPi == Approx(5).epsilon(0.15));
}

TEST_CASE("the inverse is the minimum norm's, in either of its forms") {
  const Matrix l = eeg_leadfield(draw_dipoles(parcel_positions(12), 4), eeg_electrodes());
  CHECK(l.colwise().sum().cwiseAbs().maxCoeff() < 1e-12 * l.cwiseAbs().maxCoeff());
  const Matrix w = minimum_norm_inverse(l);
  // (L'L + k I)^-1 L' = L' (L L' + k I)^-1
  const double k = (l * l.transpose()).trace() / 9 / double(l.rows());
  const Eigen::MatrixXd gram = l.transpose() * l + k * Matrix::Identity(12, 12);
  const Eigen::MatrixXd expected = gram.inverse() * l.transpose();
  CHECK((w - expected).cwiseAbs().maxCoeff() < 1e-9 * expected.cwiseAbs().maxCoeff());
}

TEST_CASE("a lead field of vertices is averaged over regions, past what is not finite") {
  const double none = std::nan("");
  Matrix l(3, 5);
  l << 1, 3, 10, 7, none,   //
      none, 4, 20, 8, 100,  //
      2, 2, none, 9, 100;
  const Matrix r = region_leadfield(l, {0, 0, 1, -1, 1}, 2);
  REQUIRE(r.rows() == 3);
  CHECK((r(0, 0) == 2 && r(0, 1) == 10));
  CHECK((r(1, 0) == 4 && r(1, 1) == 60));
  CHECK((r(2, 0) == 2 && r(2, 1) == 100));
  const Matrix fewer = region_leadfield(l, {0, -1, 1, -1, -1}, 2);
  CHECK((fewer.rows() == 1 && fewer(0, 0) == 1 && fewer(0, 1) == 10));
  CHECK_THROWS_AS(region_leadfield(l, {0, 1}, 2), DataError);
  CHECK_THROWS_AS(region_leadfield(l, {0, 0, 0, 0, 0}, 2), DataError);
  CHECK_THROWS_AS(region_leadfield(Matrix::Constant(1, 2, none), {0, 1}, 2), DataError);
}

TEST_CASE("sensors see 10 nAm and noise of the stated strength, and the inverse sees sources") {
  const double fs = 200;
  const Matrix l = meg_leadfield(draw_dipoles(parcel_positions(20), 4), meg_sensors());
  const Matrix w = minimum_norm_inverse(l);
  const FloatMatrix moment = waves(20, 8000, fs);
  const SensorRecording clean = record(moment, l, w, 1e9, fs, fs, 1, "x");
  const SensorRecording noisy = record(moment, l, w, 3, fs, fs, 1, "x");
  const FloatMatrix noise = noisy.sensors - clean.sensors;
  CHECK(rms(clean.sensors) / rms(noise) == Approx(3).epsilon(0.01));
  // Half of the variance is AR(1) of 0.9: the correlation of neighbours is 0.45.
  const auto product =
      noise.leftCols(7999).cast<double>().cwiseProduct(noise.rightCols(7999).cast<double>());
  CHECK(product.mean() / std::pow(rms(noise), 2) == Approx(0.45).margin(0.01));
  // Sines of amplitude 1 have an rms of 1 / sqrt(2); 10 nAm takes their constant away.
  const Matrix centred = (moment.array() - 7).cast<double>() * (std::sqrt(2.0) * 1e-8);
  const Matrix expected = l * centred;
  CHECK((clean.sensors.cast<double>() - expected).cwiseAbs().maxCoeff() <
        2e-3 * expected.cwiseAbs().maxCoeff());
  CHECK((clean.sources.cast<double>() - 1e9 * w * expected).cwiseAbs().maxCoeff() < 0.02);  // nAm
  // A source is seen best where it lies.
  double own = 0;
  for (int64_t p = 0; p < 20; ++p) {
    const Eigen::RowVectorXd a = noisy.sources.row(p).cast<double>();
    own += a.dot(centred.row(p)) / a.norm() / centred.row(p).norm() / 20;
  }
  CHECK(own > 0.5);
  // Drawn at 1000 Hz, the part of the noise above 90 Hz is filtered out.
  const SensorRecording filtered = record(moment, l, w, 3, 1000, fs, 1, "x");
  CHECK(rms(filtered.sensors - clean.sensors) < 0.9 * rms(noise));
}

}  // namespace tenfold::samba_align
