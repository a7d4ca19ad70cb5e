#include "common/stats/resampling.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::stats {
namespace {

constexpr double kTwoPi = 6.283185307179586;

std::vector<double> sine(double hz, double rate, int64_t n) {
  std::vector<double> out(n);
  for (int64_t i = 0; i < n; ++i) out[i] = std::sin(kTwoPi * hz * double(i) / rate + 0.3);
  return out;
}

// Largest difference from the sine itself, away from the ends.
double error_of(double hz, double rate_in, double rate_out, double seconds = 10) {
  const auto n = int64_t(seconds * rate_in);
  const std::vector<double> out = Resampler(rate_in, rate_out).apply(sine(hz, rate_in, n));
  const std::vector<double> exact = sine(hz, rate_out, int64_t(out.size()));
  double worst = 0;
  const auto margin = int64_t(rate_out);
  for (int64_t m = margin; m < int64_t(out.size()) - margin; ++m) {
    worst = std::max(worst, std::abs(out[m] - exact[m]));
  }
  return worst;
}

}  // namespace

TEST_CASE("10 Hz at 1000 Hz is 10 Hz at 200 Hz to 1e-3") {
  CHECK(error_of(10, 1000, 200) < 1e-3);
  CHECK(error_of(10, 1000, 200) > 0);  // the margin is not the whole series
}

TEST_CASE("a sine below the cut keeps amplitude and phase at any pair of rates") {
  for (const auto& [from, to] : {std::pair{256.0, 200.0},
                                 {200.0, 256.0},
                                 {600.614990234375, 200.0},
                                 {50.0, 1000.0},
                                 {1000.0, 50.0}}) {
    CAPTURE(from, to);
    CHECK(error_of(7, from, to) < 1e-3);
  }
}

TEST_CASE("what lies above the new Nyquist rate is taken out") {
  const Resampler r(1000, 200);
  const std::vector<double> out = r.apply(sine(130, 1000, 10000));
  double largest = 0;
  for (size_t m = 200; m < out.size() - 200; ++m) largest = std::max(largest, std::abs(out[m]));
  CHECK(largest < 1e-3);  // without the filter an alias of amplitude 1 at 70 Hz
}

TEST_CASE("a constant stays, and the same rate changes nothing of the time axis") {
  const Resampler r(300, 200);
  const std::vector<double> out = r.apply(std::vector<double>(3000, 2.5));
  CHECK(out.size() == 2000);
  CHECK(out[1000] == Approx(2.5).epsilon(1e-14));
  CHECK(Resampler(200, 200).output_size(77) == 77);
  CHECK(Resampler(1000, 200).output_size(1001) == 201);
  CHECK(Resampler(200, 1000).output_size(3) == 15);
}

TEST_CASE("rates that are none are refused") {
  CHECK_THROWS_AS(Resampler(0, 200), UsageError);
  CHECK_THROWS_AS(Resampler(200, -1), UsageError);
  CHECK_THROWS_AS(Resampler(1e9, 1), UsageError);
  CHECK_THROWS_AS(Resampler(std::nan(""), 1), UsageError);
}

}  // namespace tenfold::stats
