#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/kernels/isa.h"
#include "common/kernels/rotary_attention_cases.h"
#include "common/kernels/rotary_attention_isa.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

using Sizes = RotarySizes;
using Problem = RotaryProblem;
using Answer = RotaryAnswer;
using Exact = RotaryExact;

Answer solve(const Problem& p, const RotaryTable& table) {
  Answer a = empty_answer(p);
  const RotaryInput input{p.q.data(), p.k.data(), p.v.data()};
  const AttentionDropout dropout = dropout_of(p);
  table.forward(p.shape, input, dropout, 0, p.shape.tasks(), a.out.data(), a.norms.data());
  table.backward(p.shape, input, dropout, a.out.data(), p.d_out.data(), a.norms.data(), 0,
                 p.shape.tasks(), a.dq.data(), a.dk.data(), a.dv.data());
  return a;
}

std::vector<const RotaryTable*> tables() {
  std::vector<const RotaryTable*> all = {&kRotaryAvx2};
  if (use_avx512()) {
    all.push_back(&kRotaryAvx512);
  } else {
    testing::print_skip("no AVX-512 here: its twin is not checked");
  }
  return all;
}

}  // namespace

TEST_CASE("attention between turned tokens and its gradients are those of the definition") {
  for (const Sizes& sizes : kRotarySizes) {
    INFO("heads " << sizes.heads << ", width " << sizes.width);
    const Problem p(sizes);
    for (const RotaryTable* table : tables())
      check(solve(p, *table), Exact(p, [](auto...) { return 1.0; }));
  }
}

TEST_CASE("dropout leaves the weights that its draws spare, with the same gradients") {
  const double rate = 0.25;
  Problem p({{11, 5}, {300, 20}, 2, 8, false, rate});
  // With a value vector that is one-hot over keys, the output shows what is left of each weight.
  const auto weights_of = [&](double dropout) {
    std::vector<double> w;
    for (int64_t j = 0; j < 300; ++j) {
      Problem one({{11, 5}, {300, 20}, 2, 8, false, dropout});
      for (int64_t t = 0; t < one.key_tokens; ++t) one.key_row[size_t(t)] = 0;
      one.key_row[size_t(one.key_begin[0] + j)] = 1;
      std::fill(one.k.begin(), one.k.end(), 0.0f);
      std::fill(one.v.begin(), one.v.end(), 0.0f);
      for (int64_t c = 0; c < 16; ++c) one.v[size_t(one.shape.kv_stride + c)] = 1;
      const Answer a = solve(one, kRotaryAvx2);
      for (int64_t i = 0; i < 11; ++i)
        for (int64_t h = 0; h < 2; ++h)
          w.push_back(a.out[size_t((one.query_begin[0] + i) * one.shape.out_stride + 8 * h)] * 300);
    }
    return w;
  };
  const std::vector<double> left = weights_of(rate);  // [key][query][head]
  int64_t zeros = 0;
  for (double w : left) {
    REQUIRE((w == 0 || std::abs(w - 1 / (1 - rate)) < 1e-4));
    zeros += w == 0 ? 1 : 0;
  }
  const double count = double(left.size()), spread = std::sqrt(count * rate * (1 - rate));
  CHECK(std::abs(double(zeros) - count * rate) < 4 * spread);
  const auto kept = [&](int64_t, int64_t h, int64_t i, int64_t j) {
    return left[size_t((j * 11 + i) * 2 + h)];
  };
  Problem first({{11}, {300}, 2, 8, true, rate});
  for (const RotaryTable* table : tables()) check(solve(first, *table), Exact(first, kept));
}

TEST_CASE("a common shift of all angles changes no output") {
  Problem p({{12}, {50}, 2, 16, true, 0});
  const Answer before = solve(p, kRotaryAvx2);
  const auto shift = [](std::vector<float>& turns) {
    for (size_t i = 0; i < turns.size(); i += 2) {
      const float a = turns[i], b = turns[i + 1];
      turns[i] = a * 0.6f - b * 0.8f;
      turns[i + 1] = b * 0.6f + a * 0.8f;
    }
  };
  shift(p.query_turns);
  shift(p.key_turns);
  const Answer after = solve(p, kRotaryAvx2);
  for (size_t i = 0; i < before.out.size(); ++i)
    CHECK(std::abs(before.out[i] - after.out[i]) < 2e-6);
}

}  // namespace tenfold::kernels
