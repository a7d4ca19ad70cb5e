#include "tools/samba-align/lagged_ridge.h"

#include <algorithm>
#include <cmath>

namespace tenfold::samba_align {

std::vector<PowerBand> power_bands(double rate) {
  std::vector<PowerBand> bands;
  for (const PowerBand& b :
       {PowerBand{1, 4}, PowerBand{4, 8}, PowerBand{8, 13}, PowerBand{13, 30}, PowerBand{30, 45}})
    if (b.high_hz < rate / 2) bands.push_back(b);
  return bands;
}

Matrix block_features(const Matrix& x, double rate, int64_t block) {
  const std::vector<PowerBand> bands = power_bands(rate);
  const int64_t frames = x.cols() / block, each = 1 + int64_t(bands.size());
  // One column a frequency of a band.
  std::vector<std::pair<int64_t, int64_t>> bins;  // frequency, band
  for (int64_t k = 1; 2 * k <= block; ++k)
    for (size_t b = 0; b < bands.size(); ++b) {
      const double hz = double(k) * rate / double(block);
      if (hz >= bands[b].low_hz && hz < bands[b].high_hz) bins.emplace_back(k, int64_t(b));
    }
  Eigen::MatrixXd cosine(block, int64_t(bins.size())), sine = cosine;
  for (int64_t c = 0; c < cosine.cols(); ++c) {
    for (int64_t n = 0; n < block; ++n) {
      const double turn = double(bins[size_t(c)].first * n % block) / double(block);
      cosine(n, c) = std::cos(2 * M_PI * turn);
      sine(n, c) = std::sin(2 * M_PI * turn);
    }
  }
  Matrix out(frames, x.rows() * each);
  for (int64_t p = 0; p < x.rows(); ++p) {
    const Eigen::Map<const Matrix> blocks(x.row(p).data(), frames, block);
    const Eigen::MatrixXd re = blocks * cosine, im = blocks * sine;
    out.col(p * each) = blocks.rowwise().mean();
    Eigen::MatrixXd power = Eigen::MatrixXd::Zero(frames, each - 1);
    for (int64_t c = 0; c < re.cols(); ++c)
      power.col(bins[size_t(c)].second) += re.col(c).cwiseAbs2() + im.col(c).cwiseAbs2();
    out.middleCols(p * each + 1, each - 1) =
        (power.array() / (double(block) * double(block)) + 1e-12).log();
  }
  return out;
}

Matrix with_lags(const Matrix& features, int64_t lags) {
  const int64_t n = features.cols();
  Matrix out(features.rows(), n * (lags + 1));
  for (int64_t f = 0; f < features.rows(); ++f)
    for (int64_t lag = 0; lag <= lags; ++lag)
      out.block(f, lag * n, 1, n) = features.row(std::max<int64_t>(0, f - lag));
  return out;
}

}  // namespace tenfold::samba_align
