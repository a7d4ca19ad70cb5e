#include "tools/samba-align/sensors.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Geometry>
#include <cmath>
#include <vector>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/stats/resampling.h"

namespace tenfold::samba_align {
namespace {

using Eigen::Vector3d;

constexpr double kPi = 3.14159265358979323846;
constexpr double kVacuum = 1e-7;  // mu0 / 4 pi, T m / A
constexpr double kDeepest = 0.7, kShallowest = 0.9;
constexpr double kHelmetRadius = 0.11;  // m
constexpr int64_t kMagnetometers = 100, kElectrodes = 64;
constexpr double kTurn = 5 * kPi / 180;
constexpr int kTerms = 60;
constexpr double kRegularisation = 1. / 9;
constexpr double kMomentRms = 10;  // nAm
constexpr double kNano = 1e-9;
constexpr double kNoiseMemory = 0.9;

// A unit vector, uniform over the sphere: three numbers from `index` on.
Vector3d direction(const Stream& s, uint64_t index) {
  return Vector3d(s.normal(index), s.normal(index + 1), s.normal(index + 2)).normalized();
}

// The lattice's z falls: its first half is the upper one.
Points upper_half(int64_t count, double radius) {
  Points out = fibonacci_sphere(2 * count, radius);
  out.resize(static_cast<size_t>(count));
  return out;
}

std::vector<double> sensor_noise(int64_t samples, double rms, uint64_t seed,
                                 const std::string& name) {
  const Stream white(seed, name + "/white"), slow(seed, name + "/slow");
  const double each = rms / std::sqrt(2.0), fresh = std::sqrt(1 - kNoiseMemory * kNoiseMemory);
  std::vector<double> out(static_cast<size_t>(samples));
  double memory = slow.normal(0);
  for (uint64_t n = 0; n < out.size(); ++n) {
    if (n > 0) memory = kNoiseMemory * memory + fresh * slow.normal(n);
    out[n] = each * (white.normal(n) + memory);
  }
  return out;
}

// NaN where there is none.
double finite_mean(const Matrix& m, int64_t row, const std::vector<int64_t>& columns) {
  double sum = 0, count = 0;
  for (const int64_t c : columns) {
    if (!std::isfinite(m(row, c))) continue;
    sum += m(row, c);
    ++count;
  }
  return count > 0 ? sum / count : std::nan("");
}

double root_mean_square(const FloatMatrix& m) {
  double squares = 0;
  for (int64_t i = 0; i < m.rows(); ++i) squares += m.row(i).cast<double>().squaredNorm();
  return std::sqrt(squares / static_cast<double>(m.size()));
}

}  // namespace

Dipoles draw_dipoles(const Points& parcels, uint64_t seed) {
  const Stream depths(seed, "depth"), turns(seed, "orientation");
  Dipoles out;
  for (uint64_t p = 0; p < parcels.size(); ++p) {
    const Vector3d outward = parcels[p].normalized();
    const double depth = kDeepest + (kShallowest - kDeepest) * depths.uniform(p);
    out.positions.push_back(kHeadRadius * depth * outward);
    const Vector3d any = direction(turns, 3 * p);
    out.orientations.push_back((any - any.dot(outward) * outward).normalized());
  }
  return out;
}

Points meg_sensors() { return upper_half(kMagnetometers, kHelmetRadius); }

Points eeg_electrodes() { return upper_half(kElectrodes, kHeadRadius); }

Points turned(Points sensors, uint64_t seed, const std::string& name) {
  const Stream s(seed, name);
  const Eigen::Matrix3d turn =
      Eigen::AngleAxisd(kTurn * s.normal(3), direction(s, 0)).toRotationMatrix();
  for (Vector3d& sensor : sensors) sensor = turn * sensor;
  return sensors;
}

Vector3d magnetic_field(const Vector3d& moment, const Vector3d& position, const Vector3d& r) {
  const Vector3d a = r - position;
  const double a_norm = a.norm(), r_norm = r.norm(), a_r = a.dot(r);
  const double f = a_norm * (r_norm * a_norm + r_norm * r_norm - position.dot(r));
  const Vector3d grad_f = (a_norm * a_norm / r_norm + a_r / a_norm + 2 * a_norm + 2 * r_norm) * r -
                          (a_norm + 2 * r_norm + a_r / a_norm) * position;
  const Vector3d turn = moment.cross(position);
  return kVacuum / (f * f) * (f * turn - turn.dot(r) * grad_f);
}

double electric_potential(const Vector3d& moment, const Vector3d& position,
                          const Vector3d& electrode, double radius, double conductivity) {
  const double eccentricity = position.norm() / radius;
  // In the centre every axis will do.
  const Vector3d axis = eccentricity > 0 ? position.normalized() : Vector3d::UnitZ();
  const Vector3d towards = electrode.normalized();
  const double radial = moment.dot(axis), x = axis.dot(towards);
  // q_t cos(beta) P_n^1 = (tangential part . electrode) P_n', without a division by sin(g).
  const double tangential = (moment - radial * axis).dot(towards);
  double before = 1, legendre = x, slope_before = 0, slope = 1, power = 1, sum = 0;
  for (int n = 1; n <= kTerms; ++n) {
    const double order = n, twice = 2 * n + 1;
    sum += twice / order * power * (order * radial * legendre + tangential * slope);
    const double next = (twice * x * legendre - order * before) / (order + 1);
    const double slope_next = slope_before + twice * legendre;
    before = legendre, legendre = next;
    slope_before = slope, slope = slope_next;
    power *= eccentricity;
  }
  return sum / (4 * kPi * conductivity * radius * radius);
}

Matrix meg_leadfield(const Dipoles& dipoles, const Points& sensors) {
  Matrix out(sensors.size(), dipoles.positions.size());
  for (int64_t m = 0; m < out.rows(); ++m) {
    for (int64_t p = 0; p < out.cols(); ++p) {
      out(m, p) = magnetic_field(dipoles.orientations[p], dipoles.positions[p], sensors[m])
                      .dot(sensors[m].normalized());
    }
  }
  return out;
}

Matrix eeg_leadfield(const Dipoles& dipoles, const Points& electrodes) {
  Matrix out(electrodes.size(), dipoles.positions.size());
  for (int64_t m = 0; m < out.rows(); ++m) {
    for (int64_t p = 0; p < out.cols(); ++p) {
      out(m, p) = electric_potential(dipoles.orientations[p], dipoles.positions[p], electrodes[m],
                                     kHeadRadius, kConductivity);
    }
  }
  out.rowwise() -= out.colwise().mean().eval();
  return out;
}

Matrix region_leadfield(const Matrix& leadfield, const std::vector<int64_t>& regions,
                        int64_t parcels) {
  if (static_cast<int64_t>(regions.size()) != leadfield.cols()) {
    throw DataError(fmt::format("--region-map: found {} vertices, expected {} as in --leadfield",
                                regions.size(), leadfield.cols()));
  }
  std::vector<std::vector<int64_t>> vertices(static_cast<size_t>(parcels));
  for (size_t v = 0; v < regions.size(); ++v) {
    if (regions[v] >= 0 && regions[v] < parcels)
      vertices[regions[v]].push_back(static_cast<int64_t>(v));
  }
  for (int64_t p = 0; p < parcels; ++p) {
    if (vertices[p].empty()) throw DataError(fmt::format("--region-map: region {} is empty", p));
  }
  Matrix out(leadfield.rows(), parcels);
  int64_t kept = 0;
  for (int64_t m = 0; m < leadfield.rows(); ++m) {
    for (int64_t p = 0; p < parcels; ++p) out(kept, p) = finite_mean(leadfield, m, vertices[p]);
    kept += out.row(kept).allFinite();
  }
  if (kept == 0) throw DataError("--leadfield: no sensor sees all regions");
  return out.topRows(kept);
}

Matrix minimum_norm_inverse(const Matrix& leadfield) {
  Eigen::MatrixXd gram = leadfield * leadfield.transpose();
  gram.diagonal().array() += kRegularisation * gram.trace() / static_cast<double>(gram.rows());
  return gram.llt().solve(Eigen::MatrixXd(leadfield)).transpose();
}

SensorRecording record(FloatMatrix moment, const Matrix& leadfield, const Matrix& inverse,
                       double snr, double noise_rate, double fs, uint64_t seed,
                       const std::string& name) {
  // No sensor sees a constant field.
  moment.colwise() -= moment.rowwise().mean().eval();
  const double scale = kNano * kMomentRms / root_mean_square(moment);
  SensorRecording out;
  out.sensors = (leadfield * scale).cast<float>() * moment;
  const double rms = root_mean_square(out.sensors) / snr;
  const int64_t samples = moment.cols();
  const stats::Resampler resampler(noise_rate, fs);
  const auto drawn =
      static_cast<int64_t>(std::ceil(static_cast<double>(samples) * noise_rate / fs));
  for (int64_t m = 0; m < out.sensors.rows(); ++m) {
    std::vector<double> noise = sensor_noise(drawn, rms, seed, fmt::format("{}/{}", name, m));
    if (noise_rate != fs) noise = resampler.apply(noise);
    out.sensors.row(m) += Eigen::Map<const Eigen::RowVectorXd>(noise.data(), samples).cast<float>();
  }
  out.sources = (inverse / kNano).cast<float>() * out.sensors;
  return out;
}

}  // namespace tenfold::samba_align
