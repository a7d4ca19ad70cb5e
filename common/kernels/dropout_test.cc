#include "common/kernels/dropout.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/kernels/blocks_for_test.h"
#include "common/kernels/dropout_body.h"

namespace tenfold::kernels {
namespace {

std::vector<float> dropped(int64_t n, double rate, std::array<uint32_t, 2> key) {
  std::vector<float> x(size_t(n), 3.0f), out(x);
  dropout(x.data(), rate, key, 0, n, out.data());
  return out;
}

}  // namespace

TEST_CASE("as many elements as asked are zero, and the others keep the mean") {
  for (double rate : {0.1, 0.4, 0.75}) {
    const int64_t n = 100003;
    int64_t zeros = 0;
    for (float v : dropped(n, rate, {1, 2})) {
      zeros += v == 0 ? 1 : 0;
      if (v != 0) REQUIRE(std::abs(v * (1 - rate) / 3 - 1) < 2e-4);
    }
    CHECK(std::abs(double(zeros) - rate * double(n)) <
          4 * std::sqrt(double(n) * rate * (1 - rate)));
  }
}

TEST_CASE("draws belong to an element, not to a call") {
  const std::vector<float> whole = dropped(1000, 0.3, {5, 6});
  std::vector<float> parts(1000, 3.0f);
  dropout(parts.data(), 0.3, {5, 6}, 512, 1000, parts.data());
  dropout(parts.data(), 0.3, {5, 6}, 0, 512, parts.data());
  CHECK(parts == whole);
  CHECK(dropped(1000, 0.3, {5, 7}) != whole);
}

TEST_CASE("a sum takes what dropout leaves of the branch") {
  const std::vector<float> left = dropped(777, 0.2, {8, 9});
  std::vector<float> sum(777, 1.0f), branch(777, 3.0f);
  add_dropped(sum.data(), branch.data(), 0.2, {8, 9}, 0, 777, sum.data());
  for (size_t i = 0; i < sum.size(); ++i) CHECK(sum[i] == 1.0f + left[i]);
}

TEST_CASE("the device's draws, run on the host, are those of the CPU") {
  for (const int64_t n : {1, 129, 5003}) {
    const std::vector<float> x(size_t(n), 1.0f), branch(size_t(n), 3.0f);
    std::vector<float> found(x), expected(x);
    const DropoutDraws draws = dropout_draws(0.3, {5, 6});
    dropout(branch.data(), 0.3, {5, 6}, 0, n, expected.data());
    run_blocks(DropoutBlocks{nullptr, branch.data(), draws, n, found.data()}, Order::kForward);
    CHECK(found == expected);
    add_dropped(x.data(), branch.data(), 0.3, {5, 6}, 0, n, expected.data());
    run_blocks(DropoutBlocks{x.data(), branch.data(), draws, n, found.data()}, Order::kBackward);
    CHECK(found == expected);
  }
}

}  // namespace tenfold::kernels
