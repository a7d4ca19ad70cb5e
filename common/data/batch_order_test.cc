#include "common/data/batch_order.h"

#include <catch2/catch.hpp>
#include <set>

#include "common/core/error.h"

namespace tenfold::data {

TEST_CASE("an epoch shows every example once and keeps the last incomplete batch") {
  BatchOrder order(55000, 128, 1000);
  REQUIRE(order.steps_per_epoch() == 430);
  std::set<int64_t> seen;
  for (int64_t step = 0; step < 430; ++step) {
    const auto batch = order.at(step);
    REQUIRE(batch.size == (step < 429 ? 128 : 55000 - 429 * 128));
    seen.insert(batch.indices, batch.indices + batch.size);
  }
  REQUIRE(seen.size() == 55000);
}

TEST_CASE("a batch depends on seed and step alone, not on the way there") {
  BatchOrder sequential(100, 7, 3), jumping(100, 7, 3), other(100, 7, 4);
  std::vector<int64_t> there;
  for (int64_t step = 0; step <= 40; ++step) {
    const auto b = sequential.at(step);
    there.assign(b.indices, b.indices + b.size);
  }
  const auto direct = jumping.at(40);
  REQUIRE(there == std::vector<int64_t>(direct.indices, direct.indices + direct.size));
  const auto different = other.at(40);
  REQUIRE(there != std::vector<int64_t>(different.indices, different.indices + different.size));
}

TEST_CASE("two epochs have two orders") {
  BatchOrder order(50, 50, 1);
  const auto first = order.at(0);
  const std::vector<int64_t> epoch0(first.indices, first.indices + 50);
  const auto second = order.at(1);
  REQUIRE(epoch0 != std::vector<int64_t>(second.indices, second.indices + 50));
}

TEST_CASE("an empty training set is refused") { REQUIRE_THROWS_AS(BatchOrder(0, 1, 0), DataError); }

}  // namespace tenfold::data
