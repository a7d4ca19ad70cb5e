#include "common/kernels/turns.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::kernels {
namespace {

constexpr double kPi = 3.14159265358979323846;

}  // namespace

TEST_CASE("turns are cosines and sines, at all quarters and for large angles") {
  std::vector<double> times = {0, 1, -1, 0.25, 1e4};
  for (int q = -9; q <= 9; ++q)
    for (double off : {-1e-7, 0.0, 1e-7}) times.push_back(q * kPi / 4 + off);
  const Stream draws(1, "turns");
  for (uint64_t i = 0; i < 1000; ++i) times.push_back(100 * draws.normal(i));
  const std::vector<float> frequencies = {1, 0.37f, 6.2831853f, 62831.85f, 0, 3, 1e-4f};
  const size_t pairs = frequencies.size();
  std::vector<float> found(times.size() * pairs * 2);
  turns(times.data(), int64_t(times.size()), frequencies.data(), int64_t(pairs), found.data());
  double farthest = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    for (size_t j = 0; j < pairs; ++j) {
      const double angle = times[i] * double(frequencies[j]);
      const float* turn = &found[2 * (i * pairs + j)];
      farthest = std::max({farthest, std::abs(double(turn[0]) - std::cos(angle)),
                           std::abs(double(turn[1]) - std::sin(angle))});
      if (frequencies[j] == 0) {
        CHECK(turn[0] == 1);
        CHECK(turn[1] == 0);
      }
    }
  }
  CHECK(farthest < 3.1e-8);  // half a last place of a float near 1
}

}  // namespace tenfold::kernels
