#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "common/core/philox.h"
#include "common/kernels/attention_block_isa.h"
#include "common/kernels/gradient_for_test.h"
#include "common/kernels/isa.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

// Two sequences with a gap between them, whose tokens share angles.
struct Problem {
  int64_t dim, heads, width;
  double rate;
  std::vector<int64_t> begin = {1, 9}, count = {7, 53};
  int64_t tokens = 62;
  std::vector<int32_t> turn;
  std::vector<float> turns;
  Doubles x, qkv, out, bias, d_y;

  Problem(int64_t d, int64_t h, int64_t w, double dropout)
      : dim(d), heads(h), width(w), rate(dropout) {
    x = draw(5, tokens * dim, 1, "x");
    qkv = draw(5, 3 * heads * width * dim, 1.5 / std::sqrt(double(dim)), "qkv");
    out = draw(5, dim * heads * width, 0.3, "out");
    bias = draw(5, dim, 1, "bias");
    d_y = draw(5, tokens * dim, 1, "d_y");
    for (int64_t i = 0; i < tokens; ++i) turn.push_back(int32_t(i * 7 % 5));
    for (int64_t i = 0; i < 5 * width / 2; ++i) {
      turns.push_back(float(std::cos(0.7 * double(i))));
      turns.push_back(float(std::sin(0.7 * double(i))));
    }
  }

  // Which weights stay: two draws of 16 bits a word of Philox, rows 2^20 blocks apart.
  double kept(int64_t token, int64_t head, int64_t j) const {
    const uint32_t limit = uint32_t(rate * 65536);
    const uint64_t block = (uint64_t(token * heads + head) << 20) + uint64_t(j / 8);
    const uint32_t word =
        philox4x32({uint32_t(block), uint32_t(block >> 32), 0, 0}, {11, 12})[size_t(j % 8 / 2)];
    const uint32_t bits = j % 2 == 0 ? word & 0xffff : word >> 16;
    return bits < limit ? 0.0 : 65536.0 / (65536.0 - limit);
  }

  // Row `token` of part 0, 1 or 2 of a head, turned.
  Doubles part(int64_t token, int64_t which, int64_t head) const {
    Doubles row(size_t(width), 0.0), turned(size_t(width), 0.0);
    const double* weight = qkv.data() + (which * heads + head) * width * dim;
    for (int64_t c = 0; c < width; ++c)
      for (int64_t d = 0; d < dim; ++d)
        row[size_t(c)] += weight[c * dim + d] * x[size_t(token * dim + d)];
    turn_into(token, row, 1, turned);
    return turned;
  }
  void turn_into(int64_t token, const Doubles& row, double sign, Doubles& to) const {
    const float* by = turns.data() + turn[size_t(token)] * width;
    for (size_t c = 0; c < size_t(width); c += 2) {
      to[c] = row[c] * by[c] - sign * row[c + 1] * by[c + 1];
      to[c + 1] = row[c + 1] * by[c] + sign * row[c] * by[c + 1];
    }
  }

  // The definition, in float64.
  Doubles y() const {
    Doubles result(size_t(tokens * dim), 0.0);
    for (size_t s = 0; s < begin.size(); ++s) {
      for (int64_t i = begin[s]; i < begin[s] + count[s]; ++i)
        for (int64_t d = 0; d < dim; ++d) result[size_t(i * dim + d)] = bias[size_t(d)];
      for (int64_t h = 0; h < heads; ++h) add_head(s, h, result);
    }
    return result;
  }
  void add_head(size_t s, int64_t h, Doubles& result) const {
    std::vector<Doubles> q, k, v;
    for (int64_t i = begin[s]; i < begin[s] + count[s]; ++i) {
      q.push_back(part(i, 0, h));
      k.push_back(part(i, 1, h));
      v.push_back(part(i, 2, h));
    }
    for (size_t i = 0; i < q.size(); ++i) {
      const int64_t token = begin[s] + int64_t(i);
      Doubles weights, read(size_t(width), 0.0), back(size_t(width), 0.0);
      double sum = 0;
      for (const Doubles& key : k) {
        double score = 0;
        for (size_t c = 0; c < key.size(); ++c) score += q[i][c] * key[c];
        weights.push_back(std::exp(score / std::sqrt(double(width))));
        sum += weights.back();
      }
      for (size_t j = 0; j < k.size(); ++j)
        for (size_t c = 0; c < read.size(); ++c)
          read[c] += weights[j] / sum * kept(token, h, int64_t(j)) * v[j][c];
      turn_into(token, read, -1, back);
      for (int64_t d = 0; d < dim; ++d)
        for (int64_t c = 0; c < width; ++c)
          result[size_t(token * dim + d)] +=
              out[size_t((d * heads + h) * width + c)] * back[size_t(c)];
    }
  }
  double loss() const {
    const Doubles all = y();
    double sum = 0;
    for (size_t i = 0; i < all.size(); ++i) sum += all[i] * d_y[i];
    return sum;
  }
};

struct Answer {
  std::vector<float> y, d_x, d_qkv, d_out;
};

Answer solve(const Problem& p, const AttentionBlockTable& table) {
  const std::vector<float> x = floats_of(p.x), qkv = floats_of(p.qkv), out = floats_of(p.out),
                           bias = floats_of(p.bias), d_y = floats_of(p.d_y);
  const AttentionBlock block{p.dim, p.heads, p.width, qkv.data(), out.data()};
  const TokenSide tokens{p.begin.data(), p.count.data(), nullptr, p.turn.data(), p.turns.data()};
  const AttentionDropout dropout{p.rate, {11, 12}};
  std::vector<float> packed(size_t(table.pack_floats(block))),
      mixed(size_t(p.tokens * block.wide())), norms(size_t(2 * p.tokens * p.heads)),
      sums(size_t(table.sums_floats(block)), NAN);
  std::vector<float> parts(size_t(p.tokens * attention_block_part_floats(block)), NAN);
  std::vector<uint32_t> kept(size_t(p.tokens * attention_block_kept_words(block, p.count[1])));
  Answer a;
  a.y.resize(x.size());
  a.d_x.resize(x.size());
  a.d_qkv.resize(qkv.size());
  a.d_out.resize(out.size());
  table.pack(block, packed.data());
  for (int64_t s = 0; s < 2; ++s) {
    AttentionBlockCall call{block,   packed.data(), tokens,      s,           p.count[1],
                            dropout, x.data(),      kept.data(), parts.data()};
    table.heads(call, 1, p.heads, mixed.data(), norms.data());
    table.heads(call, 0, 1, mixed.data(), norms.data());
    std::vector<float> without_parts = mixed;
    call.parts = nullptr;
    table.heads(call, 0, p.heads, without_parts.data(), norms.data());
    CHECK(without_parts == mixed);
    call.parts = parts.data();
    table.project(call, mixed.data(), bias.data(), a.y.data());
    table.backward(call, mixed.data(), norms.data(), d_y.data(), s > 0, a.d_x.data(), sums.data());
  }
  table.unpack(block, sums.data(), a.d_qkv.data(), a.d_out.data());
  return a;
}

void check(Problem p, const AttentionBlockTable& table) {
  const Answer a = solve(p, table);
  const Doubles y = p.y();
  for (size_t s = 0; s < 2; ++s)
    for (int64_t i = p.begin[s] * p.dim; i < (p.begin[s] + p.count[s]) * p.dim; ++i)
      CHECK(a.y[size_t(i)] == Approx(y[size_t(i)]).margin(2e-5));
  check_gradient(p, &Problem::x, a.d_x, 61);
  check_gradient(p, &Problem::qkv, a.d_qkv, 97);
  check_gradient(p, &Problem::out, a.d_out, 41);
}

}  // namespace

TEST_CASE("the block is the attention of its definition, and its gradients are those of it") {
  for (const double rate : {0.0, 0.25}) {
    check(Problem(20, 2, 12, rate), kAttentionBlockAvx2);
    check(Problem(9, 3, 16, rate), kAttentionBlockAvx2);
  }
}

TEST_CASE("the AVX-512 twin of the block does the same") {
  if (!use_avx512()) TENFOLD_SKIP("no AVX-512 here: its twin is not checked");
  check(Problem(20, 2, 12, 0.25), kAttentionBlockAvx512);
}

}  // namespace tenfold::kernels
