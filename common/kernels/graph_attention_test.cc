#include "common/kernels/graph_attention.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/core/philox.h"
#include "common/kernels/graph_attention_isa.h"
#include "common/kernels/isa.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

using Doubles = std::vector<double>;

// A graph of which the formulas of the specification make `value`, a sum of all outputs times
// given numbers, in float64.
struct Problem {
  int64_t nodes, heads, features;
  std::vector<int32_t> begin = {0}, node;
  Doubles left, right, attn, d_out;

  Problem(int64_t n, int64_t h, int64_t f, double density) : nodes(n), heads(h), features(f) {
    const Stream draws(7, "graph");
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j)
        if (i == j || draws.uniform(uint64_t(i * n + j)) < density) node.push_back(int32_t(j));
      begin.push_back(int32_t(node.size()));
    }
    const auto fill = [&](Doubles& v, int64_t count, const char* name) {
      const Stream s(7, name);
      for (int64_t k = 0; k < count; ++k) v.push_back(double(float(s.normal(uint64_t(k)))));
    };
    fill(left, n * h * f, "left");
    fill(right, n * h * f, "right");
    fill(attn, f, "attn");
    fill(d_out, n * f, "d_out");
  }

  double score(int64_t i, int64_t j, int64_t h) const {
    double sum = 0;
    for (int64_t f = 0; f < features; ++f) {
      const double u = left[size_t((j * heads + h) * features + f)] +
                       right[size_t((i * heads + h) * features + f)];
      sum += attn[size_t(f)] * (u > 0 ? u : 0.2 * u);
    }
    return sum;
  }
  // [edges, heads]
  Doubles weights() const {
    Doubles w(node.size() * size_t(heads));
    for (int64_t i = 0; i < nodes; ++i) {
      for (int64_t h = 0; h < heads; ++h) {
        double sum = 0;
        for (int32_t e = begin[size_t(i)]; e < begin[size_t(i) + 1]; ++e)
          sum += w[size_t(e * heads + h)] = std::exp(score(i, node[size_t(e)], h));
        for (int32_t e = begin[size_t(i)]; e < begin[size_t(i) + 1]; ++e)
          w[size_t(e * heads + h)] /= sum;
      }
    }
    return w;
  }
  Doubles out() const {
    const Doubles w = weights();
    Doubles y(size_t(nodes * features));
    for (int64_t i = 0; i < nodes; ++i) {
      for (int32_t e = begin[size_t(i)]; e < begin[size_t(i) + 1]; ++e) {
        for (int64_t h = 0; h < heads; ++h) {
          for (int64_t f = 0; f < features; ++f) {
            y[size_t(i * features + f)] +=
                w[size_t(e * heads + h)] *
                right[size_t((node[size_t(e)] * heads + h) * features + f)] / double(heads);
          }
        }
      }
    }
    return y;
  }
  double value() const {
    const Doubles y = out();
    double sum = 0;
    for (size_t k = 0; k < y.size(); ++k) sum += y[k] * d_out[k];
    return sum;
  }
};

std::vector<float> floats_of(const Doubles& v) { return {v.begin(), v.end()}; }

double slope_at(Problem& p, double& entry) {
  const double kept = entry, step = 1e-6;
  entry = kept + step;
  const double high = p.value();
  entry = kept - step;
  const double low = p.value();
  entry = kept;
  return (high - low) / (2 * step);
}

void check(Problem p, const GraphAttentionTable& table) {
  const std::vector<float> left = floats_of(p.left), right = floats_of(p.right),
                           attn = floats_of(p.attn), d_out = floats_of(p.d_out);
  const GraphAttentionShape shape{p.nodes, p.heads, p.features, 0.2f};
  const GraphAttentionInput input{
      {p.begin.data(), p.node.data()}, left.data(), right.data(), attn.data()};
  std::vector<float> out(d_out.size(), NAN), norms(size_t(2 * p.nodes * p.heads), NAN),
      weights(p.node.size() * size_t(p.heads), NAN), d_left(left.size(), NAN),
      d_right(right.size(), NAN), d_attn(attn.size(), 0);
  table.forward(shape, input, out.data(), norms.data());
  table.weights(shape, input, norms.data(), weights.data());
  table.backward(shape, input, norms.data(), d_out.data(), d_left.data(), d_right.data(),
                 d_attn.data());
  const Doubles y = p.out(), w = p.weights();
  for (size_t k = 0; k < y.size(); ++k) CHECK(out[k] == Approx(y[k]).margin(2e-5));
  for (size_t k = 0; k < w.size(); ++k) CHECK(weights[k] == Approx(w[k]).margin(1e-6));
  for (size_t k = 0; k < d_attn.size(); ++k)
    CHECK(d_attn[k] == Approx(slope_at(p, p.attn[k])).margin(2e-4).epsilon(1e-4));
  for (size_t k = 0; k < d_left.size(); k += 3) {
    CHECK(d_left[k] == Approx(slope_at(p, p.left[k])).margin(1e-4).epsilon(1e-4));
    CHECK(d_right[k] == Approx(slope_at(p, p.right[k])).margin(1e-4).epsilon(1e-4));
  }
}

void check_all(const GraphAttentionTable& table) {
  check(Problem(5, 2, 3, 0.4), table);
  check(Problem(9, 4, 15, 0.3), table);
  check(Problem(11, 1, 15, 1.0), table);
  check(Problem(3, 3, 17, 0.0), table);
  check(Problem(30, 2, 3, 0.02), table);  // neighbours by lists
  check(Problem(45, 2, 5, 0.5), table);   // in lanes, some of them no neighbours
}

}  // namespace

TEST_CASE("graph attention and its gradients are those of the formulas") {
  check_all(kGraphAttentionAvx2);
}

TEST_CASE("graph attention with AVX-512 is that of the formulas") {
  if (!use_avx512()) {
    testing::print_skip("no AVX-512 here: its twin is not checked");
    return;
  }
  check_all(kGraphAttentionAvx512);
}

}  // namespace tenfold::kernels
