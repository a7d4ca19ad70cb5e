#include "tools/samba-align/geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kMixingWidth = 15, kConnectionLength = 30;  // mm
constexpr double kConnectionSpread = 0.5, kIndividualSpread = 0.1;
constexpr double kConnectionDensity = 0.3;
constexpr double kSpeed = 6;  // m/s = mm/ms

// exp(spread * n) with n_ij = n_ji of N(0, 1).
Matrix symmetric_factors(int64_t size, double spread, uint64_t seed, const std::string& name) {
  const Stream s(seed, name);
  Matrix out = Matrix::Ones(size, size);
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t j = i + 1; j < size; ++j) {
      out(i, j) = out(j, i) = std::exp(spread * s.normal(static_cast<uint64_t>(i * size + j)));
    }
  }
  return out;
}

struct Pair {
  int64_t i, j;
  double weight;
};

}  // namespace

Points fibonacci_sphere(int64_t count, double radius) {
  const double turn = kPi * (3 - std::sqrt(5.0));
  Points out;
  for (int64_t i = 0; i < count; ++i) {
    const double z = 1 - static_cast<double>(2 * i + 1) / static_cast<double>(count);
    const double ring = std::sqrt(1 - z * z), angle = static_cast<double>(i) * turn;
    out.emplace_back(radius * Eigen::Vector3d(ring * std::cos(angle), ring * std::sin(angle), z));
  }
  return out;
}

Points parcel_positions(int64_t count) {
  Points out = fibonacci_sphere(count, kParcelRadius);
  const auto place = [](const Eigen::Vector3d& p) {
    return std::make_tuple(p.x() >= 0, std::atan2(p.z(), p.y()), p.z());
  };
  std::sort(out.begin(), out.end(),
            [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return out;
}

Points normal_positions(int64_t count, uint64_t seed) {
  const Stream s(seed, "positions");
  Points out;
  for (uint64_t i = 0; i < static_cast<uint64_t>(3 * count); i += 3) {
    out.emplace_back(s.normal(i), s.normal(i + 1), s.normal(i + 2));
  }
  return out;
}

Matrix distances(const Points& to, const Points& from) {
  Matrix out(to.size(), from.size());
  for (size_t i = 0; i < to.size(); ++i) {
    for (size_t j = 0; j < from.size(); ++j) out(i, j) = (to[i] - from[j]).norm();
  }
  return out;
}

Matrix spatial_mixing(const Matrix& millimetres) {
  return rows_summing_to_one(
      (-millimetres.array().square() / (2 * kMixingWidth * kMixingWidth)).exp());
}

Matrix child_mixing(int64_t targets, int64_t sources) {
  Matrix out = Matrix::Zero(targets, sources);
  for (int64_t q = 0; q < targets; ++q) out(q, q * sources / targets) = 1;
  return out;
}

Matrix draw_connections(const Matrix& millimetres, uint64_t seed) {
  const int64_t n = millimetres.rows();
  const Matrix factors = symmetric_factors(n, kConnectionSpread, seed, "connectome");
  std::vector<Pair> pairs;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) {
      pairs.push_back({i, j, std::exp(-millimetres(i, j) / kConnectionLength) * factors(i, j)});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.weight > b.weight; });
  pairs.resize(
      static_cast<size_t>(std::lround(kConnectionDensity * static_cast<double>(pairs.size()))));
  Matrix out = Matrix::Zero(n, n);
  for (const Pair& p : pairs) out(p.i, p.j) = out(p.j, p.i) = p.weight;
  return out;
}

Matrix connections_of_counts(const Matrix& counts, int64_t parcels) {
  if (counts.rows() != parcels || counts.cols() != parcels) {
    throw DataError(fmt::format("connectome: found {} x {} numbers, expected {} x {}",
                                counts.rows(), counts.cols(), parcels, parcels));
  }
  for (int64_t i = 0; i < parcels; ++i) {
    for (int64_t j = 0; j < parcels; ++j) {
      if (std::isfinite(counts(i, j)) && counts(i, j) >= 0) continue;
      throw DataError(fmt::format("connectome: found {} in row {}, column {}, expected 0 or more",
                                  counts(i, j), i, j));
    }
  }
  Matrix out = counts.array().log1p();
  out.diagonal().setZero();
  return out;
}

Matrix with_individual_strengths(const Matrix& connections, uint64_t seed,
                                 const std::string& name) {
  return connections.cwiseProduct(
      symmetric_factors(connections.rows(), kIndividualSpread, seed, name));
}

Matrix rows_summing_to_one(Matrix m) {
  for (int64_t i = 0; i < m.rows(); ++i) {
    const double sum = m.row(i).sum();
    if (sum > 0) m.row(i) /= sum;
  }
  return m;
}

Matrix delays_ms(const Matrix& millimetres) { return (millimetres.array() / kSpeed).round(); }

}  // namespace tenfold::samba_align
