#include "tools/samba-align/fmri_noise.h"

#include <fmt/format.h>

#include <cmath>
#include <complex>
#include <unsupported/Eigen/FFT>
#include <vector>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

constexpr double kTwoPi = 6.283185307179586;

using Complex = std::complex<double>;

// One turn a frequency, of both signs alike so that series stay real; mean and Nyquist stay.
std::vector<Complex> random_turns(int64_t frames, uint64_t seed, const std::string& name) {
  const Stream s(seed, name);
  std::vector<Complex> out(static_cast<size_t>(frames), 1);
  for (int64_t k = 1; 2 * k < frames; ++k) {
    out[k] = std::polar(1.0, kTwoPi * s.uniform(static_cast<uint64_t>(k)));
    out[frames - k] = std::conj(out[k]);
  }
  return out;
}

double deviation(const std::vector<Complex>& centred) {
  double squares = 0;
  for (const Complex& v : centred) squares += std::norm(v);
  return std::sqrt(squares / static_cast<double>(centred.size() - 1));
}

}  // namespace

Matrix autoregressive_noise(int64_t targets, int64_t frames, double coefficient, uint64_t seed,
                            const std::string& name) {
  const Stream s(seed, name);
  const double fresh = std::sqrt(1 - coefficient * coefficient);
  Matrix out(targets, frames);
  uint64_t index = 0;
  for (int64_t q = 0; q < targets; ++q) {
    out(q, 0) = s.normal(index++);
    for (int64_t j = 1; j < frames; ++j) {
      out(q, j) = coefficient * out(q, j - 1) + fresh * s.normal(index++);
    }
  }
  return out;
}

Matrix surrogate_noise(const Matrix& series, int64_t frames, uint64_t seed,
                       const std::string& name) {
  const std::vector<Complex> turns = random_turns(frames, seed, name);
  Eigen::FFT<double> fft;
  std::vector<Complex> values(static_cast<size_t>(frames)), spectrum;
  Matrix out(series.rows(), frames);
  for (int64_t q = 0; q < series.rows(); ++q) {
    const auto row = series.row(q).head(frames);
    const double mean = row.mean();
    for (int64_t j = 0; j < frames; ++j) values[j] = row[j] - mean;
    const double scale = deviation(values);
    if (!std::isfinite(scale) || scale <= 0) {
      throw DataError(
          fmt::format("--fmri-noise-from: parcel {} has standard deviation {}", q, scale));
    }
    fft.fwd(spectrum, values);
    for (int64_t k = 0; k < frames; ++k) spectrum[k] *= turns[k];
    fft.inv(values, spectrum);
    for (int64_t j = 0; j < frames; ++j) out(q, j) = values[j].real() / scale;
  }
  return out;
}

Matrix linear_drift(int64_t targets, int64_t frames, double largest, uint64_t seed,
                    const std::string& name) {
  const Stream s(seed, name);
  Matrix out(targets, frames);
  for (int64_t q = 0; q < targets; ++q) {
    const double total = largest * (2 * s.uniform(static_cast<uint64_t>(q)) - 1);
    for (int64_t j = 0; j < frames; ++j) {
      out(q, j) = total * static_cast<double>(j) / static_cast<double>(frames - 1);
    }
  }
  return out;
}

Matrix crosstalk_mixing(int64_t targets, uint64_t seed, const std::string& name) {
  const Stream s(seed, name);
  Matrix out(targets, targets);
  const double scale = 1 / std::sqrt(static_cast<double>(targets));
  for (int64_t i = 0; i < out.size(); ++i) {
    out.data()[i] = scale * s.normal(static_cast<uint64_t>(i));
  }
  return out;
}

}  // namespace tenfold::samba_align
