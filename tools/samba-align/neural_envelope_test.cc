#include "tools/samba-align/neural_envelope.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <complex>
#include <unsupported/Eigen/FFT>

#include "tools/samba-align/geometry.h"

namespace tenfold::samba_align {
namespace {

constexpr double kRate = 50;

EnvelopeModel uncoupled(int64_t parcels, double slow_gain) {
  return {Matrix::Zero(parcels, 1), Matrix::Identity(parcels, parcels), kRate, slow_gain};
}

NeuralActivity simulate(const EnvelopeModel& model, int64_t samples) {
  return simulate_envelope(model, std::vector<int32_t>(samples, 0), 1, "x");
}

double correlation_at(const Eigen::RowVectorXd& x, int64_t lag) {
  const int64_t n = x.size() - lag;
  return x.head(n).dot(x.tail(n)) / double(n);
}

}  // namespace

TEST_CASE("slow noise has unit variance and a memory of 1 s") {
  const Matrix u = simulate(uncoupled(8, 0.6), 100000).drive;
  double variance = 0, after_one = 0, after_two = 0;
  for (int64_t p = 0; p < 8; ++p) {
    variance += correlation_at(u.row(p), 0) / 8;
    after_one += correlation_at(u.row(p), 50) / 8;
    after_two += correlation_at(u.row(p), 100) / 8;
  }
  CHECK(variance == Approx(1).margin(0.03));
  CHECK(after_one == Approx(std::exp(-1.0)).margin(0.03));
  CHECK(after_two == Approx(std::exp(-2.0)).margin(0.03));
  CHECK(std::abs((u.row(0).dot(u.row(1))) / double(u.cols())) < 0.1);
}

TEST_CASE("coupled drives keep unit variance and correlate as the coupling says") {
  Points points{{0, 0, 0}, {0.5, 0, 0}, {3, 0, 0}};
  const Matrix c = envelope_coupling(distances(points, points));
  CHECK(c.rowwise().norm().isApproxToConstant(1));
  CHECK(c(0, 1) / c(0, 0) == Approx(std::exp(-0.5 / 0.7)));
  EnvelopeModel model = uncoupled(3, 0.6);
  model.coupling = c;
  const Matrix u = simulate(model, 400000).drive;
  const Matrix covariance = u * u.transpose() / double(u.cols());
  CHECK((covariance - c * c.transpose()).cwiseAbs().maxCoeff() < 0.05);
  Matrix connections(2, 2);
  connections << 0, 1, 0.5, 0;
  const Matrix given = envelope_coupling_of(connections);
  CHECK(given(0, 0) == Approx(std::sqrt(0.5)));
  CHECK(given(1, 0) / given(1, 1) == Approx(0.5));
}

TEST_CASE("a category adds 0.7 of its pattern to the drive") {
  EnvelopeModel model = uncoupled(2, 0.6);
  const Matrix quiet = simulate(model, 1000).drive;
  model.pattern = Matrix(2, 2);
  model.pattern << 1, -2, 0.5, 3;
  std::vector<int32_t> categories(1000, 0);
  std::fill(categories.begin() + 600, categories.end(), 1);
  const Matrix u = simulate_envelope(model, categories, 1, "x").drive;
  for (int64_t n : {0, 599, 600, 999}) {
    CAPTURE(n);
    for (int64_t p : {0, 1}) {
      CHECK(u(p, n) - quiet(p, n) == Approx(0.7 * model.pattern(p, n < 600 ? 0 : 1)));
    }
  }
}

TEST_CASE("the signal is the slow drive, plus a rhythm and noise of known variance") {
  const NeuralActivity with = simulate(uncoupled(4, 0.6), 200000);
  const NeuralActivity without = simulate(uncoupled(4, 0), 200000);
  CHECK((with.moment.cast<double>() - without.moment.cast<double>() - 0.6 * with.drive)
            .cwiseAbs()
            .maxCoeff() < 1e-5);
  // E exp(0.6 u) / 2 + 0.28^2 / (1 - 0.81) with u of unit variance
  const double expected = std::exp(0.18) / 2 + 0.28 * 0.28 / 0.19;
  const double variance =
      without.moment.cast<double>().squaredNorm() / double(without.moment.size());
  CHECK(variance == Approx(expected).epsilon(0.03));
}

TEST_CASE("the rhythm is at 10 Hz, and its amplitude follows the drive") {
  const NeuralActivity a = simulate(uncoupled(1, 0), 100000);
  // Power by frequency, in segments of 4 s.
  std::vector<double> power(100, 0.0), segment(200);
  Eigen::FFT<double> fft;
  std::vector<std::complex<double>> spectrum;
  double high = 0, low = 0;
  for (int64_t first = 0; first + 200 <= 100000; first += 200) {
    double total = 0;
    for (int64_t n = 0; n < 200; ++n) segment[n] = a.moment(0, first + n);
    fft.fwd(spectrum, segment);
    for (size_t k = 0; k < 100; ++k) power[k] += std::norm(spectrum[k]);
    for (size_t k = 32; k <= 48; ++k) total += std::norm(spectrum[k]);
    (a.drive.row(0).segment(first, 200).mean() > 0 ? high : low) += total;
  }
  const auto peak = std::max_element(power.begin() + 20, power.end()) - power.begin();
  CHECK(double(peak) / 4 == Approx(10).margin(0.5));
  CHECK(high > 1.5 * low);
}

}  // namespace tenfold::samba_align
