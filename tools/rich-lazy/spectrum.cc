#include "tools/rich-lazy/spectrum.h"

#include <Eigen/Eigenvalues>
#include <Eigen/SVD>
#include <algorithm>
#include <functional>

#include "common/core/error.h"

namespace tenfold::rich_lazy {
namespace {

// What is left of a zero when the weights are rounded to float32 lies below.
constexpr double kRankTolerance = 1e-6;

Vector eigenvalue_moduli(const Matrix& m) {
  const Eigen::EigenSolver<Matrix> solver(m, false);
  if (solver.info() != Eigen::Success) {
    throw NumericError("the eigenvalues of a matrix were not found, expected finite weights");
  }
  Vector moduli = solver.eigenvalues().cwiseAbs();
  std::sort(moduli.data(), moduli.data() + moduli.size(), std::greater<>());
  return moduli;
}

double ratio(double top, double bottom) { return bottom > 0 ? top / bottom : 0; }

}  // namespace

Svd svd_of(const Matrix& m) {
  const Eigen::BDCSVD<Matrix> svd(m, Eigen::ComputeFullU | Eigen::ComputeFullV);
  return {svd.matrixU(), svd.matrixV(), svd.singularValues()};
}

int64_t rank_of(const Vector& singular) {
  return (singular.array() > kRankTolerance * singular(0)).count();
}

double spectral_radius(const Matrix& m) { return eigenvalue_moduli(m)(0); }

Spectrum spectrum_of(const Matrix& m) {
  Spectrum s;
  const double n = double(m.rows());
  s.moduli = eigenvalue_moduli(m);
  s.singular = Eigen::BDCSVD<Matrix>(m).singularValues();
  s.spectral_radius = s.moduli(0);
  s.spectral_norm = s.singular(0);
  s.fro_norm = m.norm();
  s.effective_rank = ratio(s.moduli.sum(), s.spectral_radius * n);
  s.effective_rank_sv = ratio(s.singular.sum(), s.spectral_norm * n);
  const Vector squares = s.singular.cwiseAbs2();
  s.participation = ratio(squares.sum() * squares.sum(), n * squares.squaredNorm());
  s.matrix_rank = rank_of(s.singular);
  return s;
}

}  // namespace tenfold::rich_lazy
