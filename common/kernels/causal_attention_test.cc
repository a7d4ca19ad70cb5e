#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/core/philox.h"
#include "common/kernels/causal_attention_isa.h"
#include "common/kernels/isa.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

struct Problem {
  AttentionShape shape;
  std::vector<float> q, k, v, d_out;

  // Rows have gaps, as the rows of a packed projection do.
  Problem(int64_t sequences, int64_t time, int64_t heads, int64_t width, float size = 1)
      : shape{sequences,         time,         heads, width, heads * width + 3, heads * width + 5,
              heads * width * 3, heads * width} {
    const auto draw = [&](std::vector<float>& into, int64_t stride, uint64_t seed) {
      into.resize(size_t(sequences * time * stride));
      Stream(seed, "attention").fill_normal(into.data(), int64_t(into.size()), 0, size);
    };
    draw(q, shape.q_stride, 1);
    draw(k, shape.k_stride, 2);
    draw(v, shape.v_stride, 3);
    draw(d_out, shape.out_stride, 4);
  }
};

struct Answer {
  std::vector<float> out, norms, dq, dk, dv;
};

Answer solve(const Problem& p, const AttentionTable& table) {
  Answer a;
  const AttentionInput input{p.q.data(), p.k.data(), p.v.data()};
  a.out.resize(p.d_out.size());
  a.norms.resize(size_t(p.shape.tasks() * p.shape.time * 2));
  a.dq.resize(p.q.size());
  a.dk.resize(p.k.size());
  a.dv.resize(p.v.size());
  table.forward(p.shape, input, 0, p.shape.tasks(), a.out.data(), a.norms.data());
  table.backward(p.shape, input, a.out.data(), p.d_out.data(), a.norms.data(), 0, p.shape.tasks(),
                 a.dq.data(), a.dk.data(), a.dv.data());
  return a;
}

// The definition, in float64, one head at a time.
struct Exact {
  std::vector<double> out, dq, dk, dv;

  explicit Exact(const Problem& p)
      : out(p.d_out.size()), dq(p.q.size()), dk(p.k.size()), dv(p.v.size()) {
    for (int64_t s = 0; s < p.shape.sequences; ++s)
      for (int64_t h = 0; h < p.shape.heads; ++h) head(p, s, h);
  }

  void head(const Problem& p, int64_t s, int64_t h) {
    const int64_t width = p.shape.head_dim, base = s * p.shape.time;
    const auto at = [&](int64_t i, int64_t stride) {
      return size_t((base + i) * stride + h * width);
    };
    const double scale = 1 / std::sqrt(double(width));
    for (int64_t i = 0; i < p.shape.time; ++i) {
      std::vector<double> w(size_t(i + 1)), dw(size_t(i + 1));
      const size_t qi = at(i, p.shape.q_stride), oi = at(i, p.shape.out_stride);
      double sum = 0, dot = 0;
      for (int64_t j = 0; j <= i; ++j) {
        double score = 0;
        for (int64_t c = 0; c < width; ++c)
          score += double(p.q[qi + c]) * p.k[at(j, p.shape.k_stride) + c];
        w[j] = std::exp(score * scale);
        sum += w[j];
      }
      for (int64_t j = 0; j <= i; ++j) {
        const size_t vj = at(j, p.shape.v_stride);
        w[j] /= sum;
        for (int64_t c = 0; c < width; ++c) {
          out[oi + c] += w[j] * p.v[vj + c];
          dv[vj + c] += w[j] * p.d_out[oi + c];
          dw[j] += double(p.d_out[oi + c]) * p.v[vj + c];
        }
        dot += w[j] * dw[j];
      }
      for (int64_t j = 0; j <= i; ++j) {
        const double ds = w[j] * (dw[j] - dot) * scale;
        const size_t kj = at(j, p.shape.k_stride);
        for (int64_t c = 0; c < width; ++c) {
          dq[qi + c] += ds * p.k[kj + c];
          dk[kj + c] += ds * p.q[qi + c];
        }
      }
    }
  }
};

// Greatest difference, relative to the greatest value (a single position has gradients 0).
double error(const std::vector<float>& found, const std::vector<double>& expected) {
  double worst = 0, most = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    worst = std::max(worst, std::abs(found[i] - expected[i]));
    most = std::max(most, std::abs(expected[i]));
  }
  return most > 0 ? worst / most : worst;
}

std::vector<const AttentionTable*> tables() {
  std::vector<const AttentionTable*> all = {&kAttentionAvx2};
  if (use_avx512()) {
    all.push_back(&kAttentionAvx512);
  } else {
    testing::print_skip("no AVX-512 here: its twin is not checked");
  }
  return all;
}

}  // namespace

TEST_CASE("attention and its gradients are those of the definition in float64") {
  const std::vector<Problem> problems = {
      {1, 1, 1, 1},   {2, 3, 2, 5},  {2, 4, 1, 16},   {1, 5, 4, 4},    {3, 33, 4, 16},
      {1, 67, 2, 64}, {1, 64, 1, 8}, {1, 257, 2, 33}, {1, 300, 1, 64}, {2, 40, 2, 16, 4.0f}};
  for (const AttentionTable* table : tables()) {
    for (const Problem& p : problems) {
      INFO("time " << p.shape.time << ", width " << p.shape.head_dim);
      const Answer a = solve(p, *table);
      const Exact exact(p);
      CHECK(error(a.out, exact.out) < 2e-6);
      CHECK(error(a.dq, exact.dq) < 1e-5);
      CHECK(error(a.dk, exact.dk) < 1e-5);
      CHECK(error(a.dv, exact.dv) < 2e-6);
    }
  }
}

TEST_CASE("a later key or value changes no earlier output, bit for bit") {
  Problem p(1, 37, 2, 16);
  const Answer before = solve(p, kAttentionAvx2);
  for (int64_t c = 0; c < 32; ++c) {
    p.k[size_t(18 * p.shape.k_stride + c)] += 5;
    p.v[size_t(18 * p.shape.v_stride + c)] -= 7;
  }
  const Answer after = solve(p, kAttentionAvx2);
  const size_t row = size_t(18 * p.shape.out_stride);
  CHECK(std::equal(before.out.begin(), before.out.begin() + row, after.out.begin()));
  CHECK(before.out[row] != after.out[row]);
}

TEST_CASE("scores far apart overflow nothing") {
  const Problem p(1, 50, 1, 16, 30.0f);
  const Answer a = solve(p, kAttentionAvx2);
  for (const auto* values : {&a.out, &a.dq, &a.dk, &a.dv})
    for (float v : *values) REQUIRE(std::isfinite(v));
}

}  // namespace tenfold::kernels
