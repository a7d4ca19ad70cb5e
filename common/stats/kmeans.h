// k-means with k-means++ starts (Arthur & Vassilvitskii, SODA 2007), and the silhouette score
// (Rousseeuw, 1987).
#pragma once

#include <cstdint>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::stats {

// [n, d], row by row.
struct Points {
  int64_t n = 0, d = 0;
  std::vector<double> values;

  const double* row(int64_t i) const { return values.data() + i * d; }
};

struct Clusters {
  std::vector<int64_t> labels;  // [n], 0..k-1; in each cluster at least one point
  Points centres;               // [k, d]
  double inertia = 0;           // sum of squared distances to the own centre
};

// The best of `restarts` runs of Lloyd's iteration, each until no label changes or `iterations`
// times. A cluster left empty takes the point furthest from its centre. Numbers come from `random`.
// Throws UsageError unless 1 <= k <= the number of distinct points, restarts >= 1.
Clusters kmeans(const Points& points, int64_t k, int64_t restarts, int64_t iterations,
                const Stream& random);

// Mean of (b - a) / max(a, b): a the mean Euclidean distance to the others of the own cluster, b
// that to the nearest other cluster's points; 0 for a point alone in its cluster. In [-1, 1]. Takes
// n^2 distances. Throws UsageError where fewer than two labels occur.
double silhouette(const Points& points, const std::vector<int64_t>& labels);

}  // namespace tenfold::stats
