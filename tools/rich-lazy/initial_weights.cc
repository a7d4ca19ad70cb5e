#include "tools/rich-lazy/initial_weights.h"

#include <fmt/format.h>

#include <cmath>

#include "common/cli/values.h"
#include "common/core/error.h"

namespace tenfold::rich_lazy {

SoftSpectrum parse_spectrum(const std::string& text) {
  if (text == "rank") return {};
  const size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  if (colon == std::string::npos || (kind != "power" && kind != "exp")) {
    throw UsageError(fmt::format("--spectrum: found '{}', expected rank, power:P or exp:C", text));
  }
  const cli::Range range = kind == "power" ? cli::Range{0, 100} : cli::Range{1e-3, 1e6};
  return {kind == "power" ? SoftSpectrum::kPower : SoftSpectrum::kExponential,
          cli::parse_number<double>(text.substr(colon + 1), "--spectrum", range, "")};
}

const Svd& Draw::svd() {
  if (!svd_) svd_ = std::make_unique<Svd>(svd_of(matrix_));
  return *svd_;
}

Matrix truncated(Draw& draw, int64_t rank, const SoftSpectrum& spectrum, const std::string& name) {
  const int64_t units = draw.matrix().rows();
  if (spectrum.kind != SoftSpectrum::kOwn) {
    Vector s(units);
    for (int64_t i = 0; i < units; ++i) {
      s(i) = spectrum.kind == SoftSpectrum::kPower ? std::pow(double(i + 1), -spectrum.parameter)
                                                   : std::exp(-double(i) / spectrum.parameter);
    }
    return draw.svd().u * s.asDiagonal() * draw.svd().v.transpose();
  }
  if (rank == units) return draw.matrix();
  const Svd& svd = draw.svd();
  if (const int64_t own = rank_of(svd.s); rank > own) {
    throw UsageError(fmt::format("--ranks: rank {} > {}, the rank of {}", rank, own, name));
  }
  return svd.u.leftCols(rank) * svd.s.head(rank).asDiagonal() * svd.v.leftCols(rank).transpose();
}

Matrix normalised(Matrix m, Normalisation to, double fro, double gain, const std::string& name) {
  if (to == Normalisation::kNone) return m;
  const double size = m.norm();
  const double now = to == Normalisation::kFrobenius
                         ? size
                         : (to == Normalisation::kSpectral ? svd_of(m).s(0) : spectral_radius(m));
  // Of a nilpotent matrix rounding leaves a radius that is not 0.
  if (size == 0 || now < 1e-7 * size) {
    throw DataError(fmt::format(
        "{}: found {}, expected a matrix whose norm can be changed", name,
        size == 0 ? "zeros alone" : "a spectral radius of 0 (choose another --normalize)"));
  }
  return m * ((to == Normalisation::kFrobenius ? fro : gain) / now);
}

}  // namespace tenfold::rich_lazy
