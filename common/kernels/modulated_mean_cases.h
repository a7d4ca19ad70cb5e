// Shapes, contents, the definition and tolerances of modulated_mean's tests, for the CPU and for
// CUDA.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "common/kernels/modulated_mean_launch.h"

namespace tenfold::kernels {

// Relative to the largest entry, against the definition in float64.
template <class T>
constexpr double kModulatedMeanTolerance = sizeof(T) == 4 ? 2e-6 : 1e-14;

struct ModulatedMeanCase {
  int64_t nodes, edges, width;
};

// Tiny, narrower and wider than a warp, several tiles of columns, few long segments (which the
// device splits into groups), no edges, no nodes.
inline const std::vector<ModulatedMeanCase> kModulatedMeanCases = {
    {1, 1, 1},      {3, 0, 8},    {9, 70, 31},   {20, 200, 32}, {4, 300, 100},
    {50, 333, 128}, {7, 90, 130}, {2, 1000, 40}, {5, 60, 300},  {0, 0, 4},
};

struct ModulatedMeanValues {
  std::vector<double> target_term, source_term, modulator, grad;
};

struct ModulatedMeanGraph {
  std::vector<int64_t> source, target, by_target, target_offsets, by_source, source_offsets;
};

// Ids by key, and where the run of every key begins.
inline void sort_ids(const std::vector<int64_t>& key, int64_t nodes, std::vector<int64_t>& order,
                     std::vector<int64_t>& offsets) {
  order.resize(key.size());
  for (size_t e = 0; e < key.size(); ++e) order[e] = static_cast<int64_t>(e);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return key[static_cast<size_t>(a)] < key[static_cast<size_t>(b)];
  });
  for (int64_t i = 0; i <= nodes; ++i) {
    offsets.push_back(std::count_if(key.begin(), key.end(), [&](int64_t k) { return k < i; }));
  }
}

// Edges in any order; the last node has no incoming edge where there are two or more.
inline ModulatedMeanGraph make_modulated_mean_graph(const ModulatedMeanCase& c) {
  std::mt19937 random(7);
  const int64_t last = std::max<int64_t>(0, c.nodes - 1);
  std::uniform_int_distribution<int64_t> any(0, last), fed(0, std::max<int64_t>(0, last - 1));
  ModulatedMeanGraph g;
  for (int64_t e = 0; e < c.edges; ++e) {
    g.source.push_back(any(random));
    g.target.push_back(fed(random));
  }
  sort_ids(g.target, c.nodes, g.by_target, g.target_offsets);
  sort_ids(g.source, c.nodes, g.by_source, g.source_offsets);
  return g;
}

// Normal values that float32 holds exactly.
inline ModulatedMeanValues make_modulated_mean_values(const ModulatedMeanCase& c) {
  std::mt19937 random(42);
  std::normal_distribution<float> normal;
  const auto values = [&](int64_t n) {
    std::vector<double> v(static_cast<size_t>(n));
    for (double& x : v) x = normal(random);
    return v;
  };
  return {values(c.nodes * c.width), values(c.nodes * c.width), values(c.edges * 2 * c.width),
          values(c.nodes * c.width)};
}

struct ModulatedMeanResult {
  std::vector<double> mean, target_grad, source_grad, modulator_grad;
};

// The definition, edge by edge, and its derivatives by hand, in float64.
inline ModulatedMeanResult expected_modulated_mean(const ModulatedMeanCase& c,
                                                   const ModulatedMeanGraph& g,
                                                   const ModulatedMeanValues& in) {
  const std::vector<double> zeros(static_cast<size_t>(c.nodes * c.width));
  ModulatedMeanResult r{zeros, zeros, zeros, std::vector<double>(in.modulator.size())};
  for (size_t e = 0; e < g.target.size(); ++e) {
    const auto degree =
        static_cast<double>(std::count(g.target.begin(), g.target.end(), g.target[e]));
    for (int64_t i = 0; i < c.width; ++i) {
      const auto to = static_cast<size_t>(g.target[e] * c.width + i);
      const auto from = static_cast<size_t>(g.source[e] * c.width + i);
      const size_t scale = e * 2 * static_cast<size_t>(c.width) + static_cast<size_t>(i);
      const size_t shift = scale + static_cast<size_t>(c.width);
      const double sum = in.target_term[to] + in.source_term[from];
      const double share = in.grad[to] / degree;
      r.mean[to] += (in.modulator[scale] * sum + in.modulator[shift]) / degree;
      r.target_grad[to] += in.modulator[scale] * share;
      r.source_grad[from] += in.modulator[scale] * share;
      r.modulator_grad[scale] = sum * share;
      r.modulator_grad[shift] = share;
    }
  }
  return r;
}

// Whether no entry is further away than tolerance * (1 + the largest expected one).
template <class T>
bool near(const std::vector<T>& found, const std::vector<double>& expected, double tolerance) {
  double largest = 0;
  for (const double x : expected) largest = std::max(largest, std::abs(x));
  if (found.size() != expected.size()) return false;
  for (size_t i = 0; i < found.size(); ++i) {
    if (!(std::abs(static_cast<double>(found[i]) - expected[i]) <= tolerance * (1 + largest))) {
      return false;
    }
  }
  return true;
}

}  // namespace tenfold::kernels
