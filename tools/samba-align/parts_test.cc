#include "tools/samba-align/parts.h"

#include <catch2/catch.hpp>

#include "common/core/error.h"

namespace tenfold::samba_align {

TEST_CASE(
    "an hour of 2 s frames is cut 70, 10 and 20 % with gaps at the end of the earlier parts") {
  const Parts p = blocked_parts(1800, 15);
  REQUIRE(p.train.size() == 1);
  CHECK(p.train[0].first == 0);
  CHECK(p.train[0].end == 1245);
  CHECK(p.valid[0].first == 1260);
  CHECK(p.valid[0].end == 1425);
  CHECK(p.named("test")[0].first == 1440);
  CHECK(p.test[0].end == 1800);
  CHECK_THROWS_AS(blocked_parts(100, 15), DataError);
}

TEST_CASE("windows stay inside their part and have their context") {
  const auto starts = [](const Part& part, int64_t context, int64_t step) {
    std::vector<int64_t> first;
    for (const Window& w : windows_in(part, 15, context, step)) first.push_back(w.first);
    return first;
  };
  CHECK(starts({{1440, 1800}}, 15, 15).size() == 24);
  CHECK(starts({{0, 44}}, 15, 15) == std::vector<int64_t>{15});
  CHECK(starts({{0, 45}}, 0, 15) == std::vector<int64_t>{0, 15, 30});
  CHECK(starts({{0, 33}}, 15, 1) == std::vector<int64_t>{15, 16, 17, 18});
  // Of several stretches each has a grid of its own, and none reaches into the next.
  CHECK(starts({{2, 18}, {40, 54}, {60, 75}}, 0, 15) == std::vector<int64_t>{2, 60});
  CHECK(starts({{2, 18}, {40, 54}, {60, 75}}, 0, 1) == std::vector<int64_t>{2, 3, 60});
}

TEST_CASE("a stretch of every second frame holds windows of every second frame") {
  const Part odd = {{31, 92, 2}};  // 31, 33, .., 91
  CHECK(odd[0].count() == 31);
  const std::vector<Window> windows = windows_in(odd, 15, 0, 15);
  REQUIRE(windows.size() == 2);
  CHECK(windows[1].first == 61);
  CHECK(frame_numbers({frames_of(windows[1], 15)}) ==
        std::vector<int64_t>{61, 63, 65, 67, 69, 71, 73, 75, 77, 79, 81, 83, 85, 87, 89});
}

}  // namespace tenfold::samba_align
