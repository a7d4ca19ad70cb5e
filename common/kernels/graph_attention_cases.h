// Graphs, numbers and definitions of graph_attention's tests, for the CPU and for CUDA.
#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "common/kernels/graph_attention.h"

namespace tenfold::kernels {

using Doubles = std::vector<double>;

// A graph of which the formulas of the specification make `value`, a sum of all outputs times
// given numbers, in float64.
struct GraphProblem {
  int64_t nodes, heads, features;
  std::vector<int32_t> begin = {0}, node;
  Doubles left, right, attn, d_out;

  GraphProblem(int64_t n, int64_t h, int64_t f, double density) : nodes(n), heads(h), features(f) {
    std::mt19937 random(7);
    std::uniform_real_distribution<double> uniform;
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j)
        if (i == j || uniform(random) < density) node.push_back(int32_t(j));
      begin.push_back(int32_t(node.size()));
    }
    const auto fill = [&](Doubles& v, int64_t count) {
      for (int64_t k = 0; k < count; ++k) v.push_back(double(normal(random)));
    };
    fill(left, n * h * f);
    fill(right, n * h * f);
    fill(attn, f);
    fill(d_out, n * f);
  }

  // The graph turned around: {begin, node}.
  std::pair<std::vector<int32_t>, std::vector<int32_t>> listeners() const {
    std::vector<int32_t> first = {0}, who;
    for (int64_t j = 0; j < nodes; ++j) {
      for (int64_t i = 0; i < nodes; ++i)
        for (int32_t e = begin[size_t(i)]; e < begin[size_t(i) + 1]; ++e)
          if (node[size_t(e)] == j) who.push_back(int32_t(i));
      first.push_back(int32_t(who.size()));
    }
    return {first, who};
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

inline std::vector<float> floats_of(const Doubles& v) { return {v.begin(), v.end()}; }

inline double slope_at(GraphProblem& p, double& entry) {
  const double kept = entry, step = 1e-6;
  entry = kept + step;
  const double high = p.value();
  entry = kept - step;
  const double low = p.value();
  entry = kept;
  return (high - low) / (2 * step);
}

struct GraphResult {
  std::vector<float> out, norms, d_left, d_right, d_attn;

  // What must be written begins as NaN; d_attn is added to.
  explicit GraphResult(const GraphProblem& p)
      : out(p.d_out.size(), NAN),
        norms(size_t(2 * p.nodes * p.heads), NAN),
        d_left(p.left.size(), NAN),
        d_right(p.right.size(), NAN),
        d_attn(p.attn.size(), 0) {}
};

inline void check_result(GraphProblem p, const GraphResult& r) {
  const Doubles y = p.out();
  for (size_t k = 0; k < y.size(); ++k) CHECK(r.out[k] == Approx(y[k]).margin(2e-5));
  for (size_t k = 0; k < r.d_attn.size(); ++k)
    CHECK(r.d_attn[k] == Approx(slope_at(p, p.attn[k])).margin(2e-4).epsilon(1e-4));
  for (size_t k = 0; k < r.d_left.size(); k += 3) {
    CHECK(r.d_left[k] == Approx(slope_at(p, p.left[k])).margin(1e-4).epsilon(1e-4));
    CHECK(r.d_right[k] == Approx(slope_at(p, p.right[k])).margin(1e-4).epsilon(1e-4));
  }
}

inline std::vector<GraphProblem> graph_problems() {
  return {
      GraphProblem(5, 2, 3, 0.4),  GraphProblem(9, 4, 15, 0.3),  GraphProblem(11, 1, 15, 1.0),
      GraphProblem(3, 3, 17, 0.0), GraphProblem(30, 2, 3, 0.02),  // on the CPU neighbours by lists
      GraphProblem(45, 2, 5, 0.5),   // in lanes, some of them no neighbours
      GraphProblem(70, 1, 2, 1.0)};  // more than the threads of a block
}

}  // namespace tenfold::kernels
