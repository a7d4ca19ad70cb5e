#include "common/core/philox.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <set>

namespace tenfold {

TEST_CASE("Philox4x32-10 gives the known answers of its authors") {
  // Random123 1.09, examples/kat_vectors, philox4x32 10.
  REQUIRE(philox4x32({0, 0, 0, 0}, {0, 0}) ==
          std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  REQUIRE(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
          std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  REQUIRE(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("streams differ by seed, name and substream, and repeat themselves") {
  std::set<uint64_t> first;
  for (uint64_t seed : {0, 1, 1000}) {
    for (const char* name : {"init", "order"}) {
      for (uint64_t substream : {0, 1}) first.insert(Stream(seed, name, substream).bits64(0));
    }
  }
  REQUIRE(first.size() == 12);
  REQUIRE(Stream(7, "init").bits64(99) == Stream(7, "init").bits64(99));
}

TEST_CASE("many normal numbers are those drawn one by one") {
  const Stream stream(5, "normals", (uint64_t{3} << 32) + 1);
  const uint64_t first = (uint64_t{1} << 32) - 11;  // across the border of a word
  std::vector<double> many(21);
  stream.normals(first, 20, many.data());
  for (uint64_t i = 0; i < 20; ++i) CHECK(many[i] == stream.normal(first + i));
  CHECK(many[20] == 0);  // nothing behind them is written
  std::vector<float> filled(150);
  stream.fill_normal(filled.data(), 150, 2, 3);
  for (uint64_t i = 0; i < 150; ++i) CHECK(filled[i] == float(2 + 3 * stream.normal(i)));
}

TEST_CASE("uniform and normal numbers have the right moments") {
  const Stream stream(3, "moments");
  const int n = 200000;
  double mean = 0, square = 0, normal_mean = 0, normal_square = 0;
  for (int i = 0; i < n; ++i) {
    const double u = stream.uniform(i), z = stream.normal(i);
    REQUIRE((u >= 0.0 && u < 1.0));
    mean += u / n;
    square += u * u / n;
    normal_mean += z / n;
    normal_square += z * z / n;
  }
  REQUIRE(std::abs(mean - 0.5) < 5 * std::sqrt(1.0 / 12 / n));
  REQUIRE(std::abs(square - 1.0 / 3) < 0.004);
  REQUIRE(std::abs(normal_mean) < 5 / std::sqrt(double(n)));
  REQUIRE(std::abs(normal_square - 1) < 5 * std::sqrt(2.0 / n));
}

TEST_CASE("a permutation holds every number once and mixes them") {
  const auto order = Stream(1, "order", 4).permutation(1000);
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int64_t> identity(1000);
  std::iota(identity.begin(), identity.end(), int64_t{0});
  REQUIRE(sorted == identity);
  int fixed = 0;
  for (int64_t i = 0; i < 1000; ++i) fixed += order[i] == i;
  REQUIRE(fixed < 10);
  REQUIRE(order != Stream(1, "order", 5).permutation(1000));
}

TEST_CASE("a sorted sample has distinct members within range") {
  const auto sample = Stream(2, "rows").sample_sorted(50, 20);
  REQUIRE(sample.size() == 20);
  REQUIRE(std::set<int64_t>(sample.begin(), sample.end()).size() == 20);
  REQUIRE(std::is_sorted(sample.begin(), sample.end()));
  REQUIRE((sample.front() >= 0 && sample.back() < 50));
  REQUIRE(Stream(2, "rows").sample_sorted(5, 5) == std::vector<int64_t>{0, 1, 2, 3, 4});
}

TEST_CASE("below() is uniform") {
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[Stream(9, "dice").below(i, 7)];
  for (int count : counts) REQUIRE(std::abs(count - 10000) < 500);
}

}  // namespace tenfold
