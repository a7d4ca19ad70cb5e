// Shapes, contents and tolerances of edge_tile's tests, for the CPU and for CUDA.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace tenfold::kernels {

constexpr double kEdgeTileTolerance = 1e-5;  // absolute and relative, against float64
constexpr double kSiluTolerance = 1e-6;      // relative, in [-90, 90]

struct EdgeTileCase {
  int64_t nodes, edges, width;
};

inline const std::vector<EdgeTileCase> kEdgeTileCases = {
    {1, 1, 1},     {3, 0, 8},     {5, 40, 7},     {9, 70, 31},
    {20, 200, 32}, {4, 300, 100}, {50, 333, 128}, {7, 90, 130},
};

struct EdgeTileData {
  std::vector<float> hidden, bias, source_term, target_term, sum;
  std::vector<int32_t> source, target;
  std::vector<int64_t> offsets;  // edges into node i are offsets[i]..offsets[i+1]
};

// Edges sorted by target; the last node has none where there are two or more.
inline EdgeTileData make_edge_tile_data(const EdgeTileCase& c) {
  std::mt19937 random(42);
  std::normal_distribution<float> normal;
  const auto values = [&](int64_t n) {
    std::vector<float> v(static_cast<size_t>(n));
    for (float& x : v) x = normal(random);
    return v;
  };
  EdgeTileData d{values(c.edges * c.width),
                 values(c.width),
                 values(c.nodes * c.width),
                 values(c.nodes * c.width),
                 values(c.nodes * c.width),
                 {},
                 {},
                 {}};
  const auto last = static_cast<int32_t>(c.nodes - 1);
  std::uniform_int_distribution<int32_t> any(0, last), fed(0, std::max(0, last - 1));
  for (int64_t e = 0; e < c.edges; ++e) {
    d.source.push_back(any(random));
    d.target.push_back(fed(random));
  }
  std::sort(d.target.begin(), d.target.end());
  for (int64_t i = 0; i <= c.nodes; ++i) {
    const auto at = std::lower_bound(d.target.begin(), d.target.end(), static_cast<int32_t>(i));
    d.offsets.push_back(at - d.target.begin());
  }
  return d;
}

inline double silu_float64(double x) { return x / (1 + std::exp(-x)); }

// The four functions by their definitions, in float64, each applied to `hidden`.
inline std::vector<double> expected_hidden(const EdgeTileCase& c, const EdgeTileData& d) {
  std::vector<double> out;
  for (int64_t k = 0; k < c.edges * c.width; ++k) {
    const auto e = static_cast<size_t>(k / c.width);
    const int64_t i = k % c.width;
    const double s = d.source_term[static_cast<size_t>(d.source[e] * c.width + i)];
    const double t = d.target_term[static_cast<size_t>(d.target[e] * c.width + i)];
    out.push_back(silu_float64(d.hidden[static_cast<size_t>(k)] + s + t));
  }
  return out;
}

inline std::vector<double> expected_modulated(const EdgeTileCase& c, const EdgeTileData& d) {
  std::vector<double> out(d.sum.begin(), d.sum.end());
  for (int64_t k = 0; k < c.edges * c.width; ++k) {
    const auto e = static_cast<size_t>(k / c.width);
    const int64_t i = k % c.width;
    const double scale = double(d.hidden[static_cast<size_t>(k)]) + d.bias[static_cast<size_t>(i)];
    const double s = d.source_term[static_cast<size_t>(d.source[e] * c.width + i)];
    out[static_cast<size_t>(d.target[e] * c.width + i)] += scale * s;
  }
  return out;
}

inline std::vector<double> expected_sum(const EdgeTileCase& c, const EdgeTileData& d) {
  std::vector<double> out(d.sum.begin(), d.sum.end());
  for (int64_t k = 0; k < c.edges * c.width; ++k) {
    const auto e = static_cast<size_t>(k / c.width);
    out[static_cast<size_t>(d.target[e] * c.width + k % c.width)] +=
        d.hidden[static_cast<size_t>(k)];
  }
  return out;
}

inline std::vector<double> expected_biased(const EdgeTileCase& c, const EdgeTileData& d) {
  std::vector<double> out;
  for (int64_t k = 0; k < c.edges * c.width; ++k) {
    out.push_back(silu_float64(double(d.hidden[static_cast<size_t>(k)]) +
                               d.bias[static_cast<size_t>(k % c.width)]));
  }
  return out;
}

// [-90, 90], with small numbers of both signs.
inline std::vector<float> silu_arguments() {
  std::vector<float> x;
  for (float v = -90; v <= 90; v += 0.00137f) x.push_back(v);
  for (float v = 80; v > 1e-37f; v *= 0.93f) x.insert(x.end(), {v, -v});
  return x;
}

// The largest relative error of y = silu(x).
inline double worst_silu_error(const std::vector<float>& x, const std::vector<float>& y) {
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double expected = silu_float64(x[i]);
    worst = std::max(worst, std::abs((y[i] - expected) / expected));
  }
  return worst;
}

inline bool all_close(const std::vector<float>& found, const std::vector<double>& expected,
                      double tolerance) {
  if (found.size() != expected.size()) return false;
  for (size_t i = 0; i < found.size(); ++i) {
    if (!(std::abs(found[i] - expected[i]) <= tolerance * (1 + std::abs(expected[i]))))
      return false;
  }
  return true;
}

}  // namespace tenfold::kernels
