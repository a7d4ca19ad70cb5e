#include "common/stats/correlation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tenfold::stats {
namespace {

using Doubles = std::vector<double>;

// Equal values share the mean of their ranks.
Doubles ranks(const Doubles& v) {
  std::vector<size_t> order(v.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return v[a] < v[b]; });
  Doubles out(v.size());
  for (size_t i = 0; i < order.size();) {
    size_t end = i;
    while (end < order.size() && v[order[end]] == v[order[i]]) ++end;
    for (size_t k = i; k < end; ++k) out[order[k]] = double(i + end - 1) / 2;
    i = end;
  }
  return out;
}

}  // namespace

bool standardise(Doubles& v) {
  const double mean = std::accumulate(v.begin(), v.end(), 0.0) / double(v.size());
  double squares = 0;
  for (double& x : v) {
    x -= mean;
    squares += x * x;
  }
  // Rounding leaves a constant series a deviation of some last places.
  if (!(squares > 1e-20 * double(v.size()) * (mean * mean + 1e-30))) return false;
  const double norm = std::sqrt(double(v.size()) / squares);
  for (double& x : v) x *= norm;
  return true;
}

double mean_product(const Doubles& a, const Doubles& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0) / double(a.size());
}

std::optional<double> correlation(Doubles a, Doubles b) {
  if (!standardise(a) || !standardise(b)) return std::nullopt;
  return mean_product(a, b);
}

std::optional<double> rank_correlation(const Doubles& a, const Doubles& b) {
  return correlation(ranks(a), ranks(b));
}

}  // namespace tenfold::stats
