#include "tools/samba-align/ele_feature.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::samba_align {
namespace {

constexpr double kRate = 100;
constexpr int64_t kSamples = 6000;

// A sine of 10.37 Hz (whose harmonics do not fold onto 0 Hz) whose amplitude goes up and down every
// 20 s, on a constant.
double amplitude(int64_t i) { return 1 + 0.5 * std::sin(2 * M_PI * double(i) / kRate / 20); }
std::vector<float> modulated() {
  std::vector<float> x(kSamples);
  for (int64_t i = 0; i < kSamples; ++i)
    x[size_t(i)] = float(7 + amplitude(i) * std::sin(2 * M_PI * 10.37 * double(i) / kRate));
  return x;
}

}  // namespace

TEST_CASE("the envelope follows a rhythm's amplitude, and band power its logarithm squared") {
  DatasetOptions o;
  // The power that two Butterworth filters of order 4 let pass, each in both directions.
  const auto tangent = [](double hz) { return std::tan(M_PI * hz / kRate); };
  const double low = std::pow(tangent(8) / tangent(10.37), 8),
               high = std::pow(tangent(10.37) / tangent(13), 8);
  const double passed = std::pow(1 / ((1 + low) * (1 + high)), 2);
  for (const char* feature : {"envelope", "bandpower"}) {
    CAPTURE(feature);
    o.ele_feature = feature;
    std::vector<float> x = modulated();
    make_ele_feature(x, 1, kSamples, kRate, o);
    for (int64_t i = 500; i < kSamples - 500; i += 37) {
      const double a = amplitude(i);
      // The mean of |sin| is 2 / pi, that of its square one half.
      if (o.ele_feature == "envelope") CHECK(x[size_t(i)] == Approx(2 / M_PI * a).epsilon(0.01));
      if (o.ele_feature == "bandpower")
        CHECK(x[size_t(i)] == Approx(std::log10(passed * a * a / 2)).margin(0.03));
    }
  }
}

TEST_CASE("a band without the rhythm has little power, and the raw series stays as it is") {
  DatasetOptions o;
  std::vector<float> x = modulated();
  make_ele_feature(x, 1, kSamples, kRate, o);
  CHECK(x == modulated());
  o.ele_feature = "bandpower";
  o.feature_low = 25;
  o.feature_high = 35;
  make_ele_feature(x, 1, kSamples, kRate, o);
  for (int64_t i = 500; i < kSamples - 500; i += 37) CHECK(x[size_t(i)] < -5);
  o.feature_high = 60;
  CHECK_THROWS_AS(make_ele_feature(x, 1, kSamples, kRate, o), UsageError);
}

}  // namespace tenfold::samba_align
