#include "tools/samba-align/haemodynamics.h"

#include <fmt/format.h>

#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "tools/samba-align/causal_convolution.h"

namespace tenfold::samba_align {
namespace {

constexpr double kBalloonSpread = 0.15;

struct Box {
  DoubleGamma low, high;
};
constexpr Box kModelBox{{6, 12, 0.5, 0.7, 0.5, 0.4}, {10, 14, 1.3, 0.8, 1.1, 0.8}};
constexpr Box kSmallBox{{6, 13, 0.6, 0.75, 0.8, 0.4}, {10, 13, 1.1, 0.75, 0.8, 0.4}};

struct Moments {
  double mean, deviation;
};

std::vector<double> row_of(const Matrix& m, int64_t i) {
  return std::vector<double>(m.row(i).data(), m.row(i).data() + m.cols());
}

void set_row(Matrix& m, int64_t i, const std::vector<double>& values) {
  m.row(i) = Eigen::Map<const Eigen::RowVectorXd>(values.data(), m.cols());
}

Moments moments_of(const Matrix& m, int64_t i, const std::string& what) {
  const double mean = m.row(i).mean();
  const double squares = (m.row(i).array() - mean).square().sum();
  const double deviation = std::sqrt(squares / static_cast<double>(m.cols() - 1));
  if (std::isfinite(deviation) && deviation > 0) return {mean, deviation};
  throw NumericError(fmt::format("{}: row {} has standard deviation {}", what, i, deviation));
}

}  // namespace

std::vector<DoubleGamma> draw_responses(const std::string& name_of_box, int64_t parcels,
                                        uint64_t seed, const std::string& name) {
  const Box& box = name_of_box == "small" ? kSmallBox : kModelBox;
  const Stream s(seed, name);
  std::vector<DoubleGamma> out;
  uint64_t index = 0;
  const auto between = [&](double low, double high) {
    return low + (high - low) * s.uniform(index++);
  };
  for (int64_t p = 0; p < parcels; ++p) {
    DoubleGamma r{};
    r.d1 = between(box.low.d1, box.high.d1);
    r.d2 = between(box.low.d2, box.high.d2);
    r.s1 = between(box.low.s1, box.high.s1);
    r.s2 = between(box.low.s2, box.high.s2);
    r.c1 = between(box.low.c1, box.high.c1);
    r.c2 = between(box.low.c2, box.high.c2);
    out.push_back(r);
  }
  return out;
}

std::vector<Balloon> draw_balloons(int64_t parcels, uint64_t seed, const std::string& name) {
  const Stream s(seed, name);
  std::vector<Balloon> out(static_cast<size_t>(parcels));
  uint64_t index = 0;
  for (Balloon& b : out) {
    for (double* rate : {&b.kappa, &b.gamma, &b.tau}) {
      *rate *= std::exp(kBalloonSpread * s.normal(index++));
    }
  }
  return out;
}

Matrix response_kernels(const std::vector<DoubleGamma>& responses, double rate) {
  Matrix out(responses.size(), std::lround(kResponseSeconds * rate));
  for (size_t p = 0; p < responses.size(); ++p) {
    set_row(out, static_cast<int64_t>(p), response_kernel(responses[p], rate));
  }
  return out;
}

Matrix convolved(const Matrix& drive, const Matrix& kernels, double rate) {
  Matrix out(drive.rows(), drive.cols());
  for (int64_t p = 0; p < drive.rows(); ++p) {
    set_row(out, p, convolve_causal(row_of(drive, p), row_of(kernels, p)));
  }
  return out / rate;
}

Matrix balloon_responses(const Matrix& drive, const std::vector<Balloon>& balloons, double rate) {
  Matrix out(drive.rows(), drive.cols());
  for (int64_t p = 0; p < drive.rows(); ++p) {
    set_row(out, p, balloon_response(balloons[p], row_of(drive, p), rate));
  }
  return out;
}

void standardise_rows(Matrix& m, const std::string& what) {
  for (int64_t i = 0; i < m.rows(); ++i) {
    const Moments moments = moments_of(m, i, what);
    m.row(i) = (m.row(i).array() - moments.mean) / moments.deviation;
  }
}

Matrix standardised_frames(const Matrix& m, int64_t block, const std::string& what) {
  Matrix out(m.rows(), m.cols() / block);
  for (int64_t i = 0; i < m.rows(); ++i) {
    const Moments moments = moments_of(m, i, what);
    for (int64_t j = 0; j < out.cols(); ++j) {
      out(i, j) = (m(i, (j + 1) * block - 1) - moments.mean) / moments.deviation;
    }
  }
  return out;
}

}  // namespace tenfold::samba_align
