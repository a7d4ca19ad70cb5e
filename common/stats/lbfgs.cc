#include "common/stats/lbfgs.h"

#include <cmath>
#include <deque>
#include <limits>
#include <vector>

namespace tenfold::stats {
namespace {

using Eigen::VectorXd;

struct Pair {
  VectorXd step, change;  // of x, of the gradient
  double rho;             // 1 / (step . change)
};

// The inverse Hessian that the pairs imply, times -gradient: the two-loop recursion.
VectorXd direction_of(const std::deque<Pair>& pairs, const VectorXd& gradient) {
  VectorXd q = -gradient;
  std::vector<double> along(pairs.size());
  for (size_t i = pairs.size(); i-- > 0;) {
    along[i] = pairs[i].rho * pairs[i].step.dot(q);
    q -= along[i] * pairs[i].change;
  }
  if (!pairs.empty()) q /= pairs.back().rho * pairs.back().change.squaredNorm();
  for (size_t i = 0; i < pairs.size(); ++i)
    q += (along[i] - pairs[i].rho * pairs[i].change.dot(q)) * pairs[i].step;
  return q;
}

struct Point {
  VectorXd x, gradient;
  double value = 0;
};

// A step along `direction` that fulfils the weak Wolfe conditions, found by halving and doubling;
// false where rounding leaves none.
bool search(const Objective& objective, const Point& from, const VectorXd& direction, double step,
            Point& to) {
  constexpr double kDecrease = 1e-4, kCurvature = 0.9;
  constexpr int kTries = 60;
  const double slope = from.gradient.dot(direction);
  double low = 0, high = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kTries; ++i) {
    to.x = from.x + step * direction;
    to.value = objective(to.x, to.gradient);
    if (!(to.value <= from.value + kDecrease * step * slope)) {
      high = step;
    } else if (to.gradient.dot(direction) < kCurvature * slope) {
      low = step;
    } else {
      return true;
    }
    step = std::isinf(high) ? 2 * step : (low + high) / 2;
  }
  return false;
}

}  // namespace

LbfgsOutcome minimise_lbfgs(const Objective& objective, VectorXd& x, const LbfgsOptions& options) {
  Point now, next;
  now.x = x;
  now.gradient = next.gradient = VectorXd::Zero(x.size());
  now.value = objective(now.x, now.gradient);
  std::deque<Pair> pairs;
  LbfgsOutcome out;
  const auto largest = [&] { return now.gradient.cwiseAbs().maxCoeff(); };
  while (largest() > options.gradient_max && out.iterations < options.iterations) {
    VectorXd direction = direction_of(pairs, now.gradient);
    // Without curvature yet, a first step of length 1 at most.
    const double step = pairs.empty() ? std::min(1.0, 1 / direction.norm()) : 1.0;
    if (!search(objective, now, direction, step, next)) break;
    Pair pair{next.x - now.x, next.gradient - now.gradient, 0};
    pair.rho = 1 / pair.step.dot(pair.change);
    if (std::isfinite(pair.rho) && pair.rho > 0) pairs.push_back(std::move(pair));
    if (int64_t(pairs.size()) > options.memory) pairs.pop_front();
    std::swap(now, next);
    ++out.iterations;
  }
  x = now.x;
  out.value = now.value;
  out.gradient_max = largest();
  out.converged = out.gradient_max <= options.gradient_max;
  return out;
}

}  // namespace tenfold::stats
