#include "common/stats/kmeans.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "common/core/error.h"

namespace tenfold::stats {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double squared_distance(const double* a, const double* b, int64_t d) {
  double sum = 0;
  for (int64_t j = 0; j < d; ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

void append_row(Points& to, const double* row) {
  to.values.insert(to.values.end(), row, row + to.d);
  ++to.n;
}

// Each centre but the first is a point drawn with the weight of its squared distance to the nearest
// centre so far. `drawn` counts the numbers taken from `random`.
Points first_centres(const Points& points, int64_t k, const Stream& random, uint64_t& drawn) {
  Points centres{0, points.d, {}};
  append_row(centres, points.row(int64_t(random.uniform(drawn++) * double(points.n))));
  std::vector<double> nearest(size_t(points.n), kInfinity);
  while (centres.n < k) {
    double total = 0;
    for (int64_t i = 0; i < points.n; ++i) {
      double& own = nearest[size_t(i)];
      own = std::min(own, squared_distance(points.row(i), centres.row(centres.n - 1), points.d));
      total += own;
    }
    if (!(total > 0)) {
      throw UsageError("k-means: found " + std::to_string(centres.n) +
                       " distinct points, expected at least " + std::to_string(k));
    }
    double left = random.uniform(drawn++) * total;
    int64_t chosen = -1;
    for (int64_t i = 0; i < points.n && left >= 0; ++i) {
      if (nearest[size_t(i)] == 0) continue;  // a centre already
      chosen = i;
      left -= nearest[size_t(i)];
    }
    append_row(centres, points.row(chosen));
  }
  return centres;
}

// Labels every point with its nearest centre; the number of labels that changed.
int64_t assign(const Points& points, const Points& centres, std::vector<int64_t>& labels,
               std::vector<double>& distances) {
  int64_t changed = 0;
  for (int64_t i = 0; i < points.n; ++i) {
    int64_t best = 0;
    double least = kInfinity;
    for (int64_t c = 0; c < centres.n; ++c) {
      const double distance = squared_distance(points.row(i), centres.row(c), points.d);
      if (distance < least) {
        least = distance;
        best = c;
      }
    }
    changed += labels[size_t(i)] != best;
    labels[size_t(i)] = best;
    distances[size_t(i)] = least;
  }
  return changed;
}

// Gives every empty cluster the point furthest from its centre, of a cluster with more than one.
bool fill_empty(std::vector<int64_t>& labels, std::vector<double>& distances, int64_t k) {
  std::vector<int64_t> sizes(size_t(k), 0);
  for (const int64_t label : labels) ++sizes[size_t(label)];
  bool filled = false;
  for (int64_t c = 0; c < k; ++c) {
    if (sizes[size_t(c)] > 0) continue;
    size_t furthest = labels.size();
    for (size_t i = 0; i < labels.size(); ++i) {
      if (sizes[size_t(labels[i])] < 2) continue;
      if (furthest == labels.size() || distances[i] > distances[furthest]) furthest = i;
    }
    --sizes[size_t(labels[furthest])];
    labels[furthest] = c;
    distances[furthest] = 0;
    sizes[size_t(c)] = 1;
    filled = true;
  }
  return filled;
}

void move_to_means(const Points& points, const std::vector<int64_t>& labels, Points& centres) {
  std::vector<int64_t> sizes(size_t(centres.n), 0);
  std::fill(centres.values.begin(), centres.values.end(), 0.0);
  for (int64_t i = 0; i < points.n; ++i) {
    const int64_t c = labels[size_t(i)];
    ++sizes[size_t(c)];
    for (int64_t j = 0; j < points.d; ++j)
      centres.values[size_t(c * points.d + j)] += points.row(i)[j];
  }
  for (int64_t c = 0; c < centres.n; ++c) {
    for (int64_t j = 0; j < points.d; ++j)
      centres.values[size_t(c * points.d + j)] /= double(sizes[size_t(c)]);
  }
}

double inertia_of(const Points& points, const Clusters& clusters) {
  double sum = 0;
  for (int64_t i = 0; i < points.n; ++i)
    sum +=
        squared_distance(points.row(i), clusters.centres.row(clusters.labels[size_t(i)]), points.d);
  return sum;
}

}  // namespace

Clusters kmeans(const Points& points, int64_t k, int64_t restarts, int64_t iterations,
                const Stream& random) {
  if (k < 1 || k > points.n) {
    throw UsageError("k-means: found " + std::to_string(k) + " clusters, expected 1 to " +
                     std::to_string(points.n) + " (as many as points)");
  }
  if (restarts < 1) {
    throw UsageError("k-means: found " + std::to_string(restarts) +
                     " restarts, expected at least 1");
  }
  uint64_t drawn = 0;
  Clusters best;
  best.inertia = kInfinity;
  std::vector<double> distances(size_t(points.n), 0.0);
  for (int64_t start = 0; start < restarts; ++start) {
    Clusters found;
    found.labels.assign(size_t(points.n), -1);
    found.centres = first_centres(points, k, random, drawn);
    for (int64_t round = 0; round == 0 || round < iterations; ++round) {
      const bool changed = assign(points, found.centres, found.labels, distances) > 0;
      const bool filled = fill_empty(found.labels, distances, k);
      if (!changed && !filled) break;
      move_to_means(points, found.labels, found.centres);
    }
    found.inertia = inertia_of(points, found);
    if (found.inertia < best.inertia) best = std::move(found);
  }
  return best;
}

double silhouette(const Points& points, const std::vector<int64_t>& labels) {
  const int64_t k = labels.empty() ? 0 : *std::max_element(labels.begin(), labels.end()) + 1;
  std::vector<int64_t> sizes(size_t(k), 0);
  for (const int64_t label : labels) ++sizes[size_t(label)];
  if (k - std::count(sizes.begin(), sizes.end(), 0) < 2)
    throw UsageError("silhouette: found fewer than two clusters, expected two or more");
  double sum = 0;
  std::vector<double> to(size_t(k), 0.0);
  for (int64_t i = 0; i < points.n; ++i) {
    const int64_t own = labels[size_t(i)];
    if (sizes[size_t(own)] == 1) continue;
    std::fill(to.begin(), to.end(), 0.0);
    for (int64_t j = 0; j < points.n; ++j)
      to[size_t(labels[size_t(j)])] +=
          std::sqrt(squared_distance(points.row(i), points.row(j), points.d));
    const double a = to[size_t(own)] / double(sizes[size_t(own)] - 1);
    double b = kInfinity;
    for (int64_t c = 0; c < k; ++c) {
      if (c == own || sizes[size_t(c)] == 0) continue;
      b = std::min(b, to[size_t(c)] / double(sizes[size_t(c)]));
    }
    if (std::max(a, b) > 0) sum += (b - a) / std::max(a, b);
  }
  return sum / double(points.n);
}

}  // namespace tenfold::stats
