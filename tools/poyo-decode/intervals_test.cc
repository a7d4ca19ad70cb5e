#include "tools/poyo-decode/intervals.h"

#include <catch2/catch.hpp>

namespace tenfold::poyo_decode {
namespace {

// As "0-2 3-5".
std::string text(const Intervals& intervals) {
  std::string out;
  for (const Interval& i : intervals) {
    out +=
        (out.empty() ? "" : " ") + std::to_string(int(i.start)) + "-" + std::to_string(int(i.end));
  }
  return out;
}

// Whether each of the times 0.5, 1.5, ... lies in one of the intervals, however these overlap.
std::vector<bool> membership(const Intervals& intervals) {
  std::vector<bool> out;
  for (double t = 0.5; t < 16; ++t) {
    bool inside = false;
    for (const Interval& i : intervals) inside = inside || i.contains(t);
    out.push_back(inside);
  }
  return out;
}

Intervals random_intervals(uint32_t& state) {
  Intervals out;
  const auto draw = [&](uint32_t n) {
    state = state * 1664525 + 1013904223;
    return double((state >> 16) % n);
  };
  for (int k = int(draw(6)); k > 0; --k) {
    const double start = draw(14);
    out.push_back({start, start + draw(5)});
  }
  return out;
}

}  // namespace

TEST_CASE("an interval holds its start and not its end") {
  const Intervals intervals = {{1, 2}, {2, 3}, {5, 6}};
  for (const double t : {1.0, 1.5, 2.0, 2.999, 5.0}) CHECK(contains(intervals, t));
  for (const double t : {0.999, 3.0, 4.0, 6.0, 7.0}) CHECK_FALSE(contains(intervals, t));
  CHECK_FALSE(contains({}, 0));
  CHECK(total_length(intervals) == 3);
}

TEST_CASE("overlapping and touching intervals are joined, empty ones left out") {
  CHECK(text(merged({{4, 6}, {0, 2}, {2, 3}, {1, 2}, {9, 9}, {5, 8}})) == "0-3 4-8");
  CHECK(text(merged({{0, 9}, {1, 2}})) == "0-9");
}

TEST_CASE("intervals are cut, subtracted and dilated") {
  CHECK(text(intersection({{0, 4}, {6, 9}}, {{2, 7}})) == "2-4 6-7");
  CHECK(text(intersection({{0, 4}}, {{4, 5}})).empty());
  CHECK(text(difference({{0, 9}}, {{2, 3}, {5, 6}})) == "0-2 3-5 6-9");
  CHECK(text(difference({{0, 4}, {5, 9}}, {{3, 6}})) == "0-3 6-9");
  CHECK(text(difference({{2, 3}}, {{0, 9}})).empty());
  CHECK(text(dilated({{2, 3}, {5, 6}}, 1)) == "1-4 4-7");
}

TEST_CASE("operations on any intervals agree with those on every single time") {
  uint32_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    const Intervals a = random_intervals(state), b = random_intervals(state);
    const std::vector<bool> in_a = membership(a), in_b = membership(b);
    std::vector<bool> both, only_a;
    for (size_t i = 0; i < in_a.size(); ++i) {
      both.push_back(in_a[i] && in_b[i]);
      only_a.push_back(in_a[i] && !in_b[i]);
    }
    REQUIRE(membership(merged(a)) == in_a);
    REQUIRE(membership(intersection(a, b)) == both);
    REQUIRE(membership(difference(a, b)) == only_a);
  }
}

}  // namespace tenfold::poyo_decode
