#include <catch2/catch.hpp>
#include <vector>

#include "common/bench/gemm_peak.h"
#include "common/bench/measure.h"
#include "common/bench/memory.h"
#include "common/core/error.h"

namespace tenfold::bench {

TEST_CASE("a spread is the least, the middle and the greatest value") {
  const Spread odd = spread_of({3, 1, 2}), even = spread_of({4, 1, 2, 3});
  REQUIRE(odd.min == 1);
  REQUIRE(odd.median == 2);
  REQUIRE(odd.max == 3);
  REQUIRE(even.median == 2.5);
  REQUIRE_THROWS_AS(spread_of({}), UsageError);
}

TEST_CASE("warm-up calls are made and not timed") {
  int calls = 0;
  const Timing timing = measure({3, 5, 0}, [&] { ++calls; });
  REQUIRE(calls == 8);
  REQUIRE(timing.runs == 5);
  REQUIRE(measure({0, 1, 0.01}, [] {}).runs > 1);
  REQUIRE(timing.wall.min <= timing.wall.median);
  REQUIRE(timing.cpu.median <= timing.cpu.max);
}

TEST_CASE("the GEMM peak is a positive speed") { REQUIRE(gemm_peak(64) > 0); }

TEST_CASE("peak memory counts a buffer that was touched and freed, until it is restarted") {
  constexpr int64_t kBytes = 256 << 20;
  const bool restarted = restart_peak_memory();
  const int64_t before = peak_memory();
  { std::vector<char> buffer(kBytes, 1); }
  REQUIRE(peak_memory() >= before + kBytes / 2);
  if (!restarted) return;
  restart_peak_memory();
  REQUIRE(peak_memory() < before + kBytes / 2);
}

}  // namespace tenfold::bench
