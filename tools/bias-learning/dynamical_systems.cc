#include "tools/bias-learning/dynamical_systems.h"

#include <algorithm>
#include <cmath>

namespace tenfold::bias_learning {
namespace {

using State = std::array<double, 2>;

constexpr double kPi = 3.14159265358979323846, kStep = 0.1;
constexpr int64_t kBurnIn = 400;

State derivative(const State& s) { return {s[1], (1 - s[0] * s[0]) * s[1] - s[0]}; }

State moved(const State& s, const State& along, double by) {
  return {s[0] + by * along[0], s[1] + by * along[1]};
}

State next(const State& s) {
  const State a = derivative(s), b = derivative(moved(s, a, kStep / 2)),
              c = derivative(moved(s, b, kStep / 2)), d = derivative(moved(s, c, kStep));
  return {s[0] + kStep / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0]),
          s[1] + kStep / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1])};
}

}  // namespace

Trajectory cosine(int64_t steps, double period) {
  Trajectory out;
  for (int64_t t = 1; t <= steps; ++t) out.target.push_back(std::cos(2 * kPi * double(t) / period));
  return out;
}

Trajectory van_der_pol(int64_t steps) {
  Trajectory out;
  State s = {2, 0};
  for (int64_t i = 0; i < kBurnIn; ++i) s = next(s);
  double largest = 0;
  for (int64_t i = 0; i < steps; ++i) {
    s = next(s);
    out.states.push_back(s);
    largest = std::max(largest, std::abs(s[0]));
  }
  for (const State& kept : out.states) out.target.push_back(kept[0] / largest);
  return out;
}

double variance(const std::vector<double>& v) {
  double mean = 0, squares = 0;
  for (const double x : v) mean += x / double(v.size());
  for (const double x : v) squares += (x - mean) * (x - mean);
  return squares / double(v.size() - 1);
}

}  // namespace tenfold::bias_learning
