// What a square matrix is like by its eigenvalues and singular values (specification, section 2.4).
#pragma once

#include <cstdint>

#include "tools/rich-lazy/matrix.h"

namespace tenfold::rich_lazy {

// M = u diag(s) v^T, s descending.
struct Svd {
  Matrix u, v;
  Vector s;
};
Svd svd_of(const Matrix& m);

struct Spectrum {
  Vector moduli;                 // of the eigenvalues, descending
  Vector singular;               // descending
  double effective_rank = 0;     // sum |lambda| / (|lambda_1| N)
  double effective_rank_sv = 0;  // sum s / (s_1 N)
  double participation = 0;      // (sum s^2)^2 / (N sum s^4)
  int64_t matrix_rank = 0;       // singular values above 1e-6 s_1
  double fro_norm = 0, spectral_norm = 0, spectral_radius = 0;
};
// A matrix of zeros has effective ranks 0. Throws NumericError where the eigenvalues are not found.
Spectrum spectrum_of(const Matrix& m);
double spectral_radius(const Matrix& m);

// Singular values above 1e-6 of the largest.
int64_t rank_of(const Vector& singular);

}  // namespace tenfold::rich_lazy
