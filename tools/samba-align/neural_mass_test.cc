#include "tools/samba-align/neural_mass.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <complex>
#include <unsupported/Eigen/FFT>

#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

// y1 - y2 of one column under a constant input, 12 s from y = 0.
std::vector<double> potential_under(double input) {
  NeuralMass mass(1);
  std::vector<double> out;
  for (int n = 0; n < 12000; ++n) {
    mass.step(Eigen::ArrayXd::Constant(1, input));
    out.push_back(mass.potential()[0]);
  }
  return out;
}

// Of the last 8192 samples minus their mean, under a Hann window: the largest FFT bin in Hz.
double frequency_of(const std::vector<double>& v) {
  constexpr size_t kSize = 8192;
  std::vector<double> part(v.end() - kSize, v.end());
  double mean = 0;
  for (const double x : part) mean += x / kSize;
  for (size_t i = 0; i < kSize; ++i) {
    part[i] = (part[i] - mean) * (0.5 - 0.5 * std::cos(2 * 3.14159265358979 * double(i) / kSize));
  }
  std::vector<std::complex<double>> spectrum;
  Eigen::FFT<double>().fwd(spectrum, part);
  size_t best = 1;
  for (size_t k = 1; k < kSize / 2; ++k) {
    if (std::abs(spectrum[k]) > std::abs(spectrum[best])) best = k;
  }
  return double(best) * 1000 / kSize;
}

std::pair<double, double> range_of(const std::vector<double>& v) {
  const auto [low, high] = std::minmax_element(v.end() - 4000, v.end());
  return {*low, *high};
}

double mean_of(const std::vector<double>& v) {
  double sum = 0;
  for (size_t i = v.size() - 8192; i < v.size(); ++i) sum += v[i];
  return sum / 8192;
}

// Columns without connections and stimulus.
MassModel alone(int64_t parcels, double rate) {
  return {Matrix::Zero(parcels, 1), Matrix::Zero(parcels, parcels), Matrix::Zero(parcels, parcels),
          rate};
}

const std::vector<StimulusSegment> kQuiet{{0, 1000, 0}};

}  // namespace

TEST_CASE("a Jansen-Rit column oscillates as its input says") {
  const double bin = 1000. / 8192;
  CHECK(frequency_of(potential_under(180)) == Approx(10.7).margin(bin));
  CHECK(frequency_of(potential_under(220)) == Approx(11.0).margin(bin));
  CHECK(frequency_of(potential_under(320)) == Approx(11.1).margin(bin));
  CHECK(frequency_of(potential_under(120)) == Approx(2.4).margin(bin));
  const auto [low, high] = range_of(potential_under(220));
  CHECK(low == Approx(6.1).margin(0.06));
  CHECK(high == Approx(9.0).margin(0.06));
  CHECK(range_of(potential_under(120)).second == Approx(11).margin(0.5));
  const auto small = range_of(potential_under(320));
  CHECK(small.second - small.first < 0.5 * (high - low));
}

TEST_CASE("slow changes of the input move the mean potential") {
  CHECK(mean_of(potential_under(180)) == Approx(7.31).margin(0.006));
  CHECK(mean_of(potential_under(220)) == Approx(7.57).margin(0.006));
  CHECK(mean_of(potential_under(320)) == Approx(8.11).margin(0.006));
}

TEST_CASE("a weak input leads to the fixed point") {
  const auto v = potential_under(90);
  CHECK(v.back() == Approx(1.1455).margin(5e-5));
  CHECK(range_of(v).second - range_of(v).first < 1e-6);
}

TEST_CASE("columns beside each other are columns alone") {
  NeuralMass one(1), three(3);
  for (int n = 0; n < 500; ++n) {
    one.step(Eigen::ArrayXd::Constant(1, 220));
    three.step(Eigen::Array3d(90, 220, 320));
  }
  CHECK(three.potential()[1] == Approx(one.potential()[0]).epsilon(1e-13));
  CHECK(three.rate()[1] == Approx(one.rate()[0]).epsilon(1e-13));
  CHECK(three.potential()[0] != three.potential()[1]);
}

TEST_CASE("noisy columns keep to the alpha range, and the drive is the rate of the moment") {
  const NeuralActivity a = simulate_neural_mass(alone(2, 1000), kQuiet, 16000, 3, "x");
  for (int64_t p = 0; p < 2; ++p) {
    std::vector<double> v(16000);
    for (int64_t n = 0; n < 16000; ++n) v[n] = a.moment(p, n);
    CHECK(frequency_of(v) > 7);
    CHECK(frequency_of(v) < 13);
    // The sigmoid bends little within a cycle of 100 ms: filtering before or after it is the same.
    double worst = 0;
    for (int64_t n = 0; n < 16000; ++n) {
      worst = std::max(worst, std::abs(a.drive(p, n) - 5 / (1 + std::exp(0.56 * (6 - v[n])))));
    }
    CHECK(worst < 2e-3);
  }
  CHECK((a.moment.row(0) - a.moment.row(1)).cwiseAbs().maxCoeff() > 1);
}

TEST_CASE("another sampling rate shows the same activity at the same times") {
  const NeuralActivity fine = simulate_neural_mass(alone(1, 1000), kQuiet, 4000, 3, "x");
  const NeuralActivity coarse = simulate_neural_mass(alone(1, 200), kQuiet, 800, 3, "x");
  double worst = 0, shifted = 0;
  for (int64_t n = 0; n + 1 < 800; ++n) {
    worst = std::max<double>(worst, std::abs(coarse.moment(0, n) - fine.moment(0, 5 * n)));
    shifted = std::max<double>(shifted, std::abs(coarse.moment(0, n) - fine.moment(0, 5 * n + 2)));
  }
  CHECK(worst < 0.02);  // mV, what lies above 90 Hz
  CHECK(shifted > 10 * worst);
}

TEST_CASE("a stimulus raises the rate of the parcels it drives") {
  MassModel model = alone(2, 200);
  model.pattern = Matrix::Zero(2, 2);
  model.pattern(0, 1) = 3;
  const std::vector<StimulusSegment> blocks{{0, 10, 0}, {10, 10, 1}};
  const NeuralActivity a = simulate_neural_mass(model, blocks, 4000, 5, "x");
  const auto mean = [&](int64_t p, int64_t first) {
    return a.drive.row(p).segment(first + 200, 1800).mean();
  };
  CHECK(mean(0, 2000) - mean(0, 0) > 0.3);
  CHECK(std::abs(mean(1, 2000) - mean(1, 0)) < 0.15);
}

TEST_CASE("the input is rest, stimulus, delayed rates of others and noise, after 10 s of burn-in") {
  MassModel model = alone(2, 1000);
  model.pattern = Matrix(2, 2);
  model.pattern << 0.5, -0.5, 1, 0;
  model.connections(1, 0) = 0.7;
  model.delays(1, 0) = 20;
  const std::vector<StimulusSegment> blocks{{0, 0.4, 1}, {0.4, 10, 0}};
  const NeuralActivity a = simulate_neural_mass(model, blocks, 1000, 7, "x");
  // Step by step, as section 2.4.4 has it.
  const Stream noise[] = {Stream(7, "x/noise/0"), Stream(7, "x/noise/1")};
  NeuralMass mass(2);
  std::vector<double> sent;
  double worst = 0;
  for (int n = 0; n < 11000; ++n) {
    const int64_t t = n - 10000;
    if (t >= 0) {
      worst = std::max(worst, std::abs(mass.potential()[0] - double(a.moment(0, t))));
      worst = std::max(worst, std::abs(mass.potential()[1] - double(a.moment(1, t))));
    }
    sent.push_back(5 / (1 + std::exp(0.56 * (6 - mass.potential()[0]))));
    Eigen::ArrayXd input(2);
    for (int p = 0; p < 2; ++p) {
      input[p] = 180 + 30 * model.pattern(p, t < 400 ? 1 : 0) +
                 22 * std::sqrt(1 / 0.001) / 32 * noise[p].normal(uint64_t(n));
    }
    if (n >= 20) input[1] += 10 * 0.7 * sent[n - 20];
    mass.step(input);
  }
  CHECK(worst < 1e-3);  // mV, what lies above 450 Hz
}

}  // namespace tenfold::samba_align
