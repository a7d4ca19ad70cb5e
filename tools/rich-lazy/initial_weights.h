// The initial recurrent matrices of a seed: one draw, every rank, spectrum and norm (specification,
// section 2.4).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tools/rich-lazy/recipes.h"
#include "tools/rich-lazy/spectrum.h"

namespace tenfold::rich_lazy {

enum class Normalisation { kFrobenius, kSpectral, kRadius, kNone };

// Singular values instead of the draw's own: i^-p or exp(-(i - 1) / c), i = 1..N.
struct SoftSpectrum {
  enum Kind { kOwn, kPower, kExponential } kind = kOwn;
  double parameter = 0;
};
// "rank", "power:P" or "exp:C". Throws UsageError.
SoftSpectrum parse_spectrum(const std::string& text);

// A draw with its decomposition, made when first asked for.
class Draw {
 public:
  explicit Draw(Matrix matrix) : matrix_(std::move(matrix)) {}
  const Matrix& matrix() const { return matrix_; }
  const Svd& svd();

 private:
  Matrix matrix_;
  std::unique_ptr<Svd> svd_;
};

// The first `rank` triples of the draw (all: the draw itself), or its vectors with other singular
// values. The norm is not restored. Throws UsageError for a rank above the draw's own.
Matrix truncated(Draw& draw, int64_t rank, const SoftSpectrum& spectrum, const std::string& name);

// ||W|| = `fro`, sigma_1 = gain or |lambda_1| = gain. Throws DataError for a matrix of zeros, or
// one without a radius where that is asked for; `name` stands in the message.
Matrix normalised(Matrix m, Normalisation to, double fro, double gain, const std::string& name);

}  // namespace tenfold::rich_lazy
