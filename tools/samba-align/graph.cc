#include "tools/samba-align/graph.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace tenfold::samba_align {
namespace {

GraphPtr graph_of(const std::vector<char>& edge, const std::vector<double>& weight, int64_t nodes) {
  auto graph = std::make_shared<Graph>();
  graph->begin = {0};
  for (int64_t i = 0; i < nodes; ++i) {
    for (int64_t j = 0; j < nodes; ++j) {
      if (i != j && edge[size_t(i * nodes + j)] == 0) continue;
      graph->node.push_back(int32_t(j));
      graph->strength.push_back(i == j ? 1.0f : float(std::abs(weight[size_t(i * nodes + j)])));
    }
    graph->begin.push_back(int32_t(graph->node.size()));
  }
  return graph;
}

}  // namespace

std::vector<double> correlations(const float* x, int64_t nodes, int64_t time, int64_t stride) {
  std::vector<double> z(size_t(nodes * time));
  for (int64_t i = 0; i < nodes; ++i) {
    const float* row = x + i * stride;
    double mean = 0, squares = 0;
    for (int64_t t = 0; t < time; ++t) mean += row[t];
    mean /= double(time);
    for (int64_t t = 0; t < time; ++t) squares += (row[t] - mean) * (row[t] - mean);
    const double norm = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (int64_t t = 0; t < time; ++t) z[size_t(i * time + t)] = (row[t] - mean) * norm;
  }
  std::vector<double> r(size_t(nodes * nodes));
  for (int64_t i = 0; i < nodes; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      const double* a = &z[size_t(i * time)];
      const double sum = std::inner_product(a, a + time, &z[size_t(j * time)], 0.0);
      r[size_t(i * nodes + j)] = r[size_t(j * nodes + i)] = std::isfinite(sum) ? sum : 0;
    }
  }
  return r;
}

GraphPtr graph_of_nonzero(const std::vector<double>& adjacency, int64_t nodes) {
  std::vector<char> edge(adjacency.size());
  for (size_t k = 0; k < edge.size(); ++k) edge[k] = adjacency[k] != 0;
  return graph_of(edge, adjacency, nodes);
}

GraphPtr graph_of_density(const std::vector<double>& correlation, int64_t nodes, double density) {
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (int64_t i = 0; i < nodes; ++i)
    for (int64_t j = i + 1; j < nodes; ++j) pairs.emplace_back(i, j);
  const auto strength = [&](const auto& p) {
    return std::abs(correlation[size_t(p.first * nodes + p.second)]);
  };
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](const auto& a, const auto& b) { return strength(a) > strength(b); });
  pairs.resize(size_t(std::ceil(density * double(pairs.size()))));
  std::vector<char> edge(correlation.size());
  for (const auto& [i, j] : pairs) {
    const bool there = correlation[size_t(i * nodes + j)] != 0;  // no edge to a dead parcel
    edge[size_t(i * nodes + j)] = edge[size_t(j * nodes + i)] = there;
  }
  return graph_of(edge, correlation, nodes);
}

GraphPtr graph_of_degree(const std::vector<double>& correlation, int64_t nodes, int64_t degree) {
  std::vector<char> edge(correlation.size());
  std::vector<int64_t> order(static_cast<size_t>(nodes));
  for (int64_t i = 0; i < nodes; ++i) {
    std::iota(order.begin(), order.end(), 0);
    const auto strength = [&](int64_t j) {
      return j == i ? -1.0 : std::abs(correlation[size_t(i * nodes + j)]);
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return strength(a) > strength(b); });
    for (int64_t k = 0; k < std::min(degree, nodes - 1); ++k) {
      const int64_t j = order[size_t(k)];
      if (strength(j) > 0) edge[size_t(i * nodes + j)] = edge[size_t(j * nodes + i)] = 1;
    }
  }
  return graph_of(edge, correlation, nodes);
}

GraphPtr graph_of_selves(int64_t nodes) {
  const std::vector<double> none(size_t(nodes * nodes));
  return graph_of(std::vector<char>(none.size()), none, nodes);
}

}  // namespace tenfold::samba_align
