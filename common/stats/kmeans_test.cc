#include "common/stats/kmeans.h"

#include <catch2/catch.hpp>
#include <set>

#include "common/core/error.h"

namespace tenfold::stats {
namespace {

// `each` points around each of (0, 0), (10, 0), (0, 10), within 0.5 to each side.
Points three_groups(int64_t each) {
  const Stream noise(3, "points");
  Points points{3 * each, 2, {}};
  for (int64_t i = 0; i < points.n; ++i) {
    const int64_t group = i % 3;
    points.values.push_back((group == 1 ? 10 : 0) + noise.uniform(uint64_t(2 * i)) - 0.5);
    points.values.push_back((group == 2 ? 10 : 0) + noise.uniform(uint64_t(2 * i + 1)) - 0.5);
  }
  return points;
}

}  // namespace

TEST_CASE("groups far apart are found from every start, with their means as centres") {
  const Points points = three_groups(20);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Clusters found = kmeans(points, 3, 1, 100, Stream(seed, "kmeans"));
    std::set<int64_t> names;
    double squares = 0;
    for (int64_t group = 0; group < 3; ++group) {
      const int64_t label = found.labels[size_t(group)];
      names.insert(label);
      double mean[2] = {0, 0};
      for (int64_t i = group; i < points.n; i += 3) {
        REQUIRE(found.labels[size_t(i)] == label);
        for (int64_t j : {0, 1}) mean[j] += points.row(i)[j] / 20;
      }
      for (int64_t j : {0, 1}) CHECK(found.centres.row(label)[j] == Approx(mean[j]).epsilon(1e-12));
      for (int64_t i = group; i < points.n; i += 3)
        for (int64_t j : {0, 1})
          squares += (points.row(i)[j] - mean[j]) * (points.row(i)[j] - mean[j]);
    }
    CHECK(names.size() == 3);
    CHECK(found.inertia == Approx(squares).epsilon(1e-12));
  }
}

TEST_CASE("of several starts the one of least inertia is kept") {
  // Two clusters of the corners of a 2 x 1 rectangle: the best split is the long way (inertia 1).
  const Points corners{4, 2, {0, 0, 0, 1, 2, 0, 2, 1}};
  for (uint64_t seed = 0; seed < 10; ++seed)
    CHECK(kmeans(corners, 2, 20, 100, Stream(seed, "kmeans")).inertia == Approx(1).epsilon(1e-12));
}

TEST_CASE("as many clusters as points leave no inertia, and one cluster has the mean") {
  const Points line{4, 1, {1, 2, 4, 9}};
  CHECK(kmeans(line, 4, 1, 100, Stream(1, "kmeans")).inertia == 0);
  const Clusters one = kmeans(line, 1, 1, 100, Stream(1, "kmeans"));
  CHECK(one.centres.values[0] == Approx(4).epsilon(1e-12));
  CHECK(one.inertia == Approx(9 + 4 + 0 + 25).epsilon(1e-12));
}

TEST_CASE("the silhouette is that of a worked example, and 0 for a point alone") {
  // 0, 1 | 5: (5 - 1) / 5 and (4 - 1) / 4, and 0 for the single one.
  const Points line{3, 1, {0, 1, 5}};
  CHECK(silhouette(line, {0, 0, 1}) == Approx((0.8 + 0.75 + 0) / 3).epsilon(1e-12));
  // 0, 5 | 1: a = 5 each; b = 1 and 4; names of clusters need not be next to one another.
  CHECK(silhouette(line, {0, 2, 0}) == Approx((-0.8 - 0.2 + 0) / 3).epsilon(1e-12));
}

TEST_CASE("requests that cannot be met are refused") {
  const Points same{3, 1, {2, 2, 2}};
  CHECK_THROWS_AS(kmeans(same, 2, 1, 100, Stream(1, "kmeans")), UsageError);
  CHECK_THROWS_AS(kmeans(same, 4, 1, 100, Stream(1, "kmeans")), UsageError);
  CHECK_THROWS_AS(kmeans(same, 0, 1, 100, Stream(1, "kmeans")), UsageError);
  CHECK_THROWS_AS(kmeans(same, 1, 0, 100, Stream(1, "kmeans")), UsageError);
  CHECK_THROWS_AS(silhouette(same, {1, 1, 1}), UsageError);
}

}  // namespace tenfold::stats
