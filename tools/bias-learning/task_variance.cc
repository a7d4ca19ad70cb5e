#include "tools/bias-learning/task_variance.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/stats/kmeans.h"

namespace tenfold::bias_learning {
namespace {

constexpr double kLeastSum = 1e-3;
constexpr int64_t kRestarts = 10, kIterations = 300, kSample = 2000, kMostClusters = 15;

double sampled_silhouette(const stats::Points& points, const std::vector<int64_t>& labels,
                          const std::vector<int64_t>& sample) {
  stats::Points part{int64_t(sample.size()), points.d, {}};
  std::vector<int64_t> of_part;
  for (const int64_t i : sample) {
    part.values.insert(part.values.end(), points.row(i), points.row(i) + points.d);
    of_part.push_back(labels[size_t(i)]);
  }
  return stats::silhouette(part, of_part);
}

}  // namespace

std::vector<double> task_variance(const TrainedTask& task, const RandomWeights& weights,
                                  Preactivations& z) {
  const int64_t images = z.images(), units = weights.spec.hidden * weights.spec.layers,
                at_once = images_at_once(units);
  // Sums of the deviations from the first image: variances of small spread keep their digits.
  std::vector<double> sum(size_t(units), 0.0), squares(size_t(units), 0.0);
  std::vector<float> origin;
  for (int64_t first = 0; first < images; first += at_once) {
    const int64_t count = std::min(at_once, images - first);
    const at::Tensor h = task.activations(weights, z, first, count).contiguous();
    const float* row = h.data_ptr<float>();
    if (origin.empty()) origin.assign(row, row + units);
    for (int64_t n = 0; n < count; ++n, row += units) {
      for (int64_t i = 0; i < units; ++i) {
        const double d = double(row[i]) - origin[size_t(i)];
        sum[size_t(i)] += d;
        squares[size_t(i)] += d * d;
      }
    }
  }
  std::vector<double> tv(static_cast<size_t>(units));
  for (size_t i = 0; i < tv.size(); ++i) {
    const double centred = squares[i] - sum[i] * sum[i] / double(images);
    tv[i] = images > 1 ? std::max(centred, 0.0) / double(images - 1) : 0;
  }
  return tv;
}

UnitClusters cluster_units(const std::vector<std::vector<double>>& tv, int64_t clusters,
                           uint64_t seed) {
  UnitClusters out;
  const auto tasks = int64_t(tv.size());
  stats::Points points{0, tasks, {}};
  for (size_t i = 0; i < tv[0].size(); ++i) {
    double sum = 0, most = 0;
    for (const auto& task : tv) {
      sum += task[i];
      most = std::max(most, task[i]);
    }
    if (sum < kLeastSum) continue;
    out.units.push_back(int64_t(i));
    std::vector<double>& row = out.normalised.emplace_back();
    for (const auto& task : tv) row.push_back(task[i] / most);
    points.values.insert(points.values.end(), row.begin(), row.end());
    ++points.n;
  }
  if (points.n < std::max<int64_t>(clusters, 2)) return out;
  const std::vector<int64_t> sample =
      Stream(seed, "silhouette").sample_sorted(points.n, std::min(kSample, points.n));
  const int64_t least = clusters > 0 ? clusters : 2,
                most = clusters > 0 ? clusters : std::min(kMostClusters, points.n);
  double best = -2;
  stats::Clusters found;
  for (int64_t k = least; k <= most; ++k) {
    stats::Clusters tried =
        stats::kmeans(points, k, kRestarts, kIterations, Stream(seed, "kmeans", uint64_t(k)));
    if (k > 1) {
      out.silhouettes.emplace_back(k, sampled_silhouette(points, tried.labels, sample));
      if (out.silhouettes.back().second <= best) continue;
      best = out.silhouettes.back().second;
    }
    found = std::move(tried);
  }
  // By the task that a cluster serves most, larger clusters first.
  const int64_t k = found.centres.n;
  std::vector<int64_t> sizes(size_t(k), 0), order(static_cast<size_t>(k)), place(size_t(k), 0);
  for (const int64_t label : found.labels) ++sizes[size_t(label)];
  const auto strongest = [&](int64_t c) {
    const double* row = found.centres.row(c);
    return std::max_element(row, row + tasks) - row;
  };
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    if (strongest(a) != strongest(b)) return strongest(a) < strongest(b);
    return sizes[size_t(a)] != sizes[size_t(b)] ? sizes[size_t(a)] > sizes[size_t(b)] : a < b;
  });
  for (int64_t c = 0; c < k; ++c) {
    const int64_t from = order[size_t(c)];
    place[size_t(from)] = c;
    out.sizes.push_back(sizes[size_t(from)]);
    out.mean.emplace_back(found.centres.row(from), found.centres.row(from) + tasks);
  }
  for (const int64_t label : found.labels) out.labels.push_back(place[size_t(label)]);
  return out;
}

}  // namespace tenfold::bias_learning
