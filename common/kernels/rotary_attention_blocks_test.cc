// The device's bodies of rotary attention, run on the host.
#include "common/kernels/rotary_attention_blocks.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/core/philox.h"
#include "common/kernels/blocks_for_test.h"
#include "common/kernels/rotary_attention_cases.h"

namespace tenfold::kernels {
namespace {

RotaryAnswer by_blocks(const RotaryProblem& p, Order order) {
  RotaryAnswer a = empty_answer(p);
  const RotaryInput input{p.q.data(), p.k.data(), p.v.data()};
  const RotaryMost most = most_of(p);
  const auto run = [&](const auto& body) { run_blocks(body, order); };
  rotary_attention_by_blocks(p.shape, most, input, dropout_of(p), a.out.data(), a.norms.data(),
                             run);
  std::vector<float> dots(a.norms.size() / 2, NAN);
  rotary_attention_backward_by_blocks(p.shape, most, input, dropout_of(p), a.out.data(),
                                      p.d_out.data(), a.norms.data(), dots.data(), a.dq.data(),
                                      a.dk.data(), a.dv.data(), run);
  return a;
}

// The answer, after it was found not to depend on the order of blocks and threads.
RotaryAnswer in_any_order(const RotaryProblem& p) {
  RotaryAnswer a = by_blocks(p, Order::kForward);
  const RotaryAnswer b = by_blocks(p, Order::kBackward);
  REQUIRE(a.out == b.out);
  REQUIRE(a.norms == b.norms);
  REQUIRE(a.dq == b.dq);
  REQUIRE(a.dk == b.dk);
  REQUIRE(a.dv == b.dv);
  return a;
}

}  // namespace

TEST_CASE("the device's rotary attention, run on the host, is that of the definition") {
  for (const RotarySizes& sizes : kRotarySizes) {
    INFO("heads " << sizes.heads << ", width " << sizes.width);
    const RotaryProblem p(sizes);
    check(in_any_order(p), RotaryExact(p, [](auto...) { return 1.0; }));
  }
}

TEST_CASE("the device drops the weights that the CPU drops") {
  for (RotarySizes sizes : kRotarySizes) {
    sizes.dropout = kRotaryDropout;
    INFO("heads " << sizes.heads << ", width " << sizes.width);
    const RotaryProblem p(sizes);
    const RotaryAnswer found = in_any_order(p), expected = by_cpu(p);
    check_alike(found, expected);
  }
}

TEST_CASE("gradients by token are added up by row in any order of blocks") {
  // Row 1 has no token, row 2 many.
  const std::vector<int32_t> rows = {2, 0, 2, 3, 2, 2, 0, 2, 2, 2};
  const int64_t width = 37;
  std::vector<int32_t> order, offsets = {0};
  std::vector<float> by_token(rows.size() * size_t(width));
  std::vector<double> expected(size_t(4 * width));
  for (size_t i = 0; i < by_token.size(); ++i) {
    by_token[i] = float(i % 11) - 4.5f;
    expected[size_t(rows[i / size_t(width)] * width) + i % size_t(width)] += by_token[i];
  }
  for (int32_t r = 0; r < 4; ++r) {
    for (size_t t = 0; t < rows.size(); ++t)
      if (rows[t] == r) order.push_back(int32_t(t));
    offsets.push_back(int32_t(order.size()));
  }
  for (const Order o : {Order::kForward, Order::kBackward}) {
    std::vector<float> sum(expected.size(), NAN);
    token_sum_by_blocks(by_token.data(), order.data(), offsets.data(), 4, int64_t(rows.size()),
                        width, sum.data(), [&](const auto& body) { run_blocks(body, o); });
    CHECK(Doubles(sum.begin(), sum.end()) == expected);  // multiples of a half: exact
  }
}

TEST_CASE("the device's Philox block is that of the streams") {
  for (const uint64_t block : {uint64_t(0), uint64_t(7), uint64_t(1) << 20, ~uint64_t(0) - 2}) {
    const PhiloxWords words = philox_block(block, 0xDEADBEEF, 42);
    const auto expected =
        philox4x32({uint32_t(block), uint32_t(block >> 32), 0, 0}, {0xDEADBEEF, 42});
    for (size_t w = 0; w < 4; ++w) CHECK(words.word[w] == expected[w]);
  }
}

}  // namespace tenfold::kernels
