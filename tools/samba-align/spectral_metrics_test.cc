#include "tools/samba-align/spectral_metrics.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

constexpr double kRate = 100;
constexpr int64_t kBlock = 200, kWindows = 6, kSamples = 10 * kBlock;

// Windows of noise whose 10 Hz rhythm has another amplitude in every block, on a slow wave.
std::vector<float> series(uint64_t seed, double phase, double slow_sign) {
  const Stream noise(seed, "noise"), amplitude(1, "amplitude");
  std::vector<float> out;
  for (int64_t i = 0; i < kWindows * kSamples; ++i) {
    const double t = double(i) / kRate, a = 0.3 + amplitude.uniform(uint64_t(i / kBlock));
    out.push_back(float(a * std::sin(2 * M_PI * 10 * t + phase) +
                        slow_sign * std::sin(2 * M_PI * 0.23 * t) +
                        (noise.uniform(uint64_t(i)) - 0.5)));
  }
  return out;
}

Translation pair(const std::vector<float>& truth, const std::vector<float>& translated) {
  Translation t;
  t.windows = kWindows;
  t.targets = 1;
  t.frames = kSamples;
  t.truth = truth;
  t.translated = translated;
  return t;
}

}  // namespace

TEST_CASE("a perfect translation is perfect in every band") {
  const SpectralMetrics m = spectral_metrics(pair(series(1, 0, 1), series(1, 0, 1)), kRate, kBlock);
  CHECK(*m.slow_r == Approx(1));
  REQUIRE(m.bands.size() == 5);
  for (const BandPowerMetric& b : m.bands) CHECK(*b.r == Approx(1));
  CHECK(m.log_ratio == Approx(0).margin(1e-9));
}

TEST_CASE("another phase spares band power, and a turned slow wave the rhythm") {
  const SpectralMetrics m =
      spectral_metrics(pair(series(1, 0, 1), series(2, 1.5, -1)), kRate, kBlock);
  CHECK(*m.slow_r < -0.9);
  CHECK(*m.bands[2].r > 0.9);            // 8 to 13 Hz
  CHECK(std::abs(*m.bands[4].r) < 0.5);  // noise of its own
}

TEST_CASE("a density is that of a series of variance one, with its peak at the rhythm") {
  const SpectralMetrics m = spectral_metrics(pair(series(1, 0, 0), series(2, 1, 0)), kRate, kBlock);
  REQUIRE(m.frequency_hz.size() == size_t(kBlock / 2 + 1));
  CHECK(m.frequency_hz[1] == Approx(0.5));
  double area = 0;
  size_t peak = 0;
  for (size_t k = 0; k < m.true_density.size(); ++k) {
    area += m.true_density[k] * 0.5;
    if (m.true_density[k] > m.true_density[peak]) peak = k;
  }
  CHECK(area == Approx(1).epsilon(0.05));
  CHECK(m.frequency_hz[peak] == Approx(10));
}

}  // namespace tenfold::samba_align
