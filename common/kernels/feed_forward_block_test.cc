#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "common/core/philox.h"
#include "common/kernels/feed_forward_block_isa.h"
#include "common/kernels/gradient_for_test.h"
#include "common/kernels/isa.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

struct Problem {
  int64_t rows, dim, inner;
  double rate;
  Doubles x, in, in_bias, out, out_bias, d_y;

  Problem(int64_t r, int64_t d, int64_t i, double dropout)
      : rows(r), dim(d), inner(i), rate(dropout) {
    x = draw(6, rows * dim, 1, "x");
    in = draw(6, 2 * inner * dim, 1.0 / std::sqrt(double(dim)), "in");
    in_bias = draw(6, 2 * inner, 0.5, "in_bias");
    out = draw(6, dim * inner, 0.3, "out");
    out_bias = draw(6, dim, 1, "out_bias");
    d_y = draw(6, rows * dim, 1, "d_y");
  }

  // Element by element as in dropout.h: two draws of 16 bits a word of Philox.
  double kept(int64_t element) const {
    const uint32_t limit = uint32_t(rate * 65536);
    const uint64_t block = uint64_t(element / 8);
    const uint32_t word = philox4x32({uint32_t(block), uint32_t(block >> 32), 0, 0},
                                     {21, 22})[size_t(element % 8 / 2)];
    const uint32_t bits = element % 2 == 0 ? word & 0xffff : word >> 16;
    return bits < limit ? 0.0 : 65536.0 / (65536.0 - limit);
  }

  // The definition, in float64.
  Doubles y() const {
    Doubles result;
    for (int64_t r = 0; r < rows; ++r) {
      Doubles row = out_bias;
      for (int64_t j = 0; j < inner; ++j) {
        double value = in_bias[size_t(j)], gate = in_bias[size_t(inner + j)];
        for (int64_t d = 0; d < dim; ++d) {
          value += in[size_t(j * dim + d)] * x[size_t(r * dim + d)];
          gate += in[size_t((inner + j) * dim + d)] * x[size_t(r * dim + d)];
        }
        const double hidden =
            value * gate * 0.5 * (1 + std::erf(gate / std::sqrt(2.0))) * kept(r * inner + j);
        for (int64_t d = 0; d < dim; ++d) row[size_t(d)] += out[size_t(d * inner + j)] * hidden;
      }
      result.insert(result.end(), row.begin(), row.end());
    }
    return result;
  }
  double loss() const {
    const Doubles all = y();
    double sum = 0;
    for (size_t i = 0; i < all.size(); ++i) sum += all[i] * d_y[i];
    return sum;
  }
};

struct Answer {
  std::vector<float> y, d_x, d_in, d_in_bias, d_out;
};

// In two calls, one for the first three rows.
Answer solve(const Problem& p, const FeedForwardTable& table) {
  const std::vector<float> x = floats_of(p.x), in = floats_of(p.in), in_bias = floats_of(p.in_bias),
                           out = floats_of(p.out), out_bias = floats_of(p.out_bias),
                           d_y = floats_of(p.d_y);
  const FeedForwardBlock block{p.dim,          p.inner,    in.data(),
                               in_bias.data(), out.data(), out_bias.data()};
  std::vector<float> packed(size_t(table.pack_floats(block))),
      sums(size_t(table.sums_floats(block)), NAN);
  Answer a;
  a.y.resize(x.size());
  a.d_x.resize(x.size());
  a.d_in.resize(in.size());
  a.d_in_bias.resize(in_bias.size());
  a.d_out.resize(out.size());
  table.pack(block, packed.data());
  for (const int64_t first : {0, 3}) {
    const FeedForwardCall call{
        block, packed.data(), p.rate, {21, 22}, first, first == 0 ? 3 : p.rows - 3, x.data()};
    table.forward(call, a.y.data());
    table.backward(call, d_y.data(), first > 0, a.d_x.data(), sums.data());
  }
  table.unpack(block, sums.data(), a.d_in.data(), a.d_in_bias.data(), a.d_out.data());
  return a;
}

void check(Problem p, const FeedForwardTable& table) {
  const Answer a = solve(p, table);
  const Doubles y = p.y();
  for (size_t i = 0; i < y.size(); ++i) CHECK(a.y[i] == Approx(y[i]).margin(2e-5));
  check_gradient(p, &Problem::x, a.d_x, 97);
  check_gradient(p, &Problem::in, a.d_in, 61);
  check_gradient(p, &Problem::in_bias, a.d_in_bias, 29);
  check_gradient(p, &Problem::out, a.d_out, 41);
}

}  // namespace

TEST_CASE("the block is the gated unit of its definition, and its gradients are those of it") {
  for (const double rate : {0.0, 0.25}) {
    check(Problem(140, 9, 36, rate), kFeedForwardAvx2);  // more rows than stay in the cache at once
    check(Problem(11, 20, 140, rate), kFeedForwardAvx2);  // more hidden columns
  }
}

TEST_CASE("the AVX-512 twin of the block does the same") {
  if (!use_avx512()) TENFOLD_SKIP("no AVX-512 here: its twin is not checked");
  check(Problem(11, 20, 140, 0.25), kFeedForwardAvx512);
}

}  // namespace tenfold::kernels
