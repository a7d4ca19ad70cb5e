#include "tools/samba-align/parts.h"

#include <catch2/catch.hpp>

#include "common/core/error.h"

namespace tenfold::samba_align {

TEST_CASE(
    "an hour of 2 s frames is cut 70, 10 and 20 % with gaps at the end of the earlier parts") {
  const Parts p = blocked_parts(1800, 15);
  CHECK(p.train.first == 0);
  CHECK(p.train.end == 1245);
  CHECK(p.valid.first == 1260);
  CHECK(p.valid.end == 1425);
  CHECK(p.test.first == 1440);
  CHECK(p.test.end == 1800);
  CHECK_THROWS_AS(blocked_parts(100, 15), DataError);
}

TEST_CASE("windows stay inside their part and have their context") {
  CHECK(grid_windows({1440, 1800}, 15, 15).size() == 24);
  CHECK(grid_windows({0, 44}, 15, 15) == std::vector<int64_t>{15});
  CHECK(grid_windows({0, 45}, 15, 0) == std::vector<int64_t>{0, 15, 30});
  const std::vector<int64_t> all = all_windows({0, 33}, 15, 15);
  CHECK(all.front() == 15);
  CHECK(all.back() == 18);
  CHECK(all.size() == 4);
}

}  // namespace tenfold::samba_align
