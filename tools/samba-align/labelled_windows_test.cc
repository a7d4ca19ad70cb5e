#include "tools/samba-align/labelled_windows.h"

#include <catch2/catch.hpp>

namespace tenfold::samba_align {

TEST_CASE("a window's label is the most frequent category of its middle third") {
  const std::vector<int32_t> one = {9, 9, 9, 9, 9, 2, 2, 3, 3, 3, 9, 9, 9, 9, 9};
  CHECK(window_label(one.data(), 15) == 3);
  std::vector<int32_t> tie = {0, 0, 0, 0, 0, 7, 4, 1, 4, 7, 0, 0, 0, 0, 0};
  CHECK(window_label(tie.data(), 15) == 4);
  tie[7] = -1;
  tie[8] = -1;
  CHECK(window_label(tie.data(), 15) == -1);
  const std::vector<int32_t> two = {5, 6};
  CHECK(window_label(two.data(), 2) == 5);
}

TEST_CASE("windows overlap inside a part, never across parts, and need their context") {
  RecordingSet set;
  set.subjects.resize(2);
  set.subjects[1].labels.assign(60, 4);
  const Parts parts{{{0, 30}}, {{35, 48}}, {{50, 60}}};
  const std::vector<LabelledWindow> windows = labelled_windows(set, parts, 6, 3, 5);
  REQUIRE(windows.size() % 2 == 0);
  std::vector<std::pair<int64_t, int64_t>> found;
  for (size_t i = 0; i < windows.size(); ++i) {
    const bool second = i >= windows.size() / 2;
    CHECK(windows[i].subject == size_t(second));
    CHECK(windows[i].label == (second ? 4 : -1));
    if (second) found.emplace_back(windows[i].part, windows[i].start);
  }
  // By hand: starts 0 and 3 lack their 5 frames of context.
  CHECK(found == std::vector<std::pair<int64_t, int64_t>>{{0, 6},
                                                          {0, 9},
                                                          {0, 12},
                                                          {0, 15},
                                                          {0, 18},
                                                          {0, 21},
                                                          {0, 24},
                                                          {1, 35},
                                                          {1, 38},
                                                          {1, 41},
                                                          {2, 50},
                                                          {2, 53}});
}

}  // namespace tenfold::samba_align
