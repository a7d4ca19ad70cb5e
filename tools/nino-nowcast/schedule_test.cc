#include "tools/nino-nowcast/schedule.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/testing/skip.h"
#include "tools/nino-nowcast/fixtures_for_test.h"

namespace tenfold::nino_nowcast {

TEST_CASE("ten nowcasts of the paper look 40 33 26 21 16 11 8 5 3 1 spacings ahead") {
  REQUIRE(horizon_schedule(10000, 1000, 2, 40) ==
          std::vector<int64_t>{40, 33, 26, 21, 16, 11, 8, 5, 3, 1});
}

TEST_CASE("a run shorter than a period has the one horizon K") {
  REQUIRE(horizon_schedule(900, 1000, 2, 40) == std::vector<int64_t>{40});
  REQUIRE(horizon_schedule(1000, 1000, 3, 7) == std::vector<int64_t>{7});
}

TEST_CASE("the last of several horizons is exactly 1") {
  for (double p : {0.5, 1.0, 2.0, 3.0, 7.5}) {
    for (int64_t n = 2; n < 60; ++n) {
      const std::vector<int64_t> k = horizon_schedule(n * 10, 10, p, 40);
      REQUIRE(k.size() == size_t(n));
      REQUIRE(k.front() == 40);
      REQUIRE(k.back() == 1);
      REQUIRE(std::is_sorted(k.rbegin(), k.rend()));
    }
  }
}

TEST_CASE("half-way horizons are rounded to even") {
  // linspace(4, 1, 3) = 4, 2.5, 1
  REQUIRE(horizon_schedule(3, 1, 1, 4) == std::vector<int64_t>{4, 2, 1});
}

TEST_CASE("steps beyond the schedule use its last entry") {
  REQUIRE(schedule_index(999, 1000, 10) == 0);
  REQUIRE(schedule_index(1999, 1000, 10) == 1);
  REQUIRE(schedule_index(9999, 1000, 10) == 9);
  REQUIRE(schedule_index(50000, 1000, 10) == 9);
  REQUIRE(schedule_index(50000, 1000, 1) == 0);
}

TEST_CASE("a period, decay or horizon out of range is refused") {
  REQUIRE_THROWS_AS(horizon_schedule(1000, 0, 2, 40), UsageError);
  REQUIRE_THROWS_AS(horizon_schedule(1000, 10, 0, 40), UsageError);
  REQUIRE_THROWS_AS(horizon_schedule(1000, 10, 2, 0), UsageError);
}

TEST_CASE("schedules equal those of the official code") {
  const std::string folder = fixtures_folder(), path = folder + "/k_schedule.json";
  if (folder.empty() || !io::exists(path)) TENFOLD_SKIP("no k_schedule.json among the fixtures");
  for (const nlohmann::json& c : nlohmann::json::parse(io::read_text(path))) {
    CAPTURE(c.dump());
    REQUIRE(horizon_schedule(c["max_train_steps"], c["period"], c["p"], c["K"]) ==
            c["k"].get<std::vector<int64_t>>());
  }
}

}  // namespace tenfold::nino_nowcast
