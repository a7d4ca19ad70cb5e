#include "tools/bias-learning/dynamical_systems.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::bias_learning {
namespace {

constexpr double kPi = 3.14159265358979323846, kBeyond = 1e6;

// Every step of RK4 that is kept; Derivative: State -> State.
template <size_t n, class Derivative>
Rows integrate(const char* system, int64_t steps, const Integration& how,
               const Derivative& derivative) {
  using State = std::array<double, n>;
  const auto moved = [](State s, const State& along, double by) {
    for (size_t i = 0; i < n; ++i) s[i] += by * along[i];
    return s;
  };
  State s;
  std::copy_n(how.start.begin(), n, s.begin());
  Rows out;
  for (int64_t t = 0; t < how.burn_in + steps; ++t) {
    const double h = how.dt;
    const State a = derivative(s), b = derivative(moved(s, a, h / 2)),
                c = derivative(moved(s, b, h / 2)), d = derivative(moved(s, c, h));
    for (size_t i = 0; i < n; ++i) s[i] += h / 6 * (a[i] + 2 * b[i] + 2 * c[i] + d[i]);
    for (const double x : s)
      if (!(std::abs(x) < kBeyond))
        throw UsageError(fmt::format(
            "--dt {:g}: {} leaves every bound at step {}, expected a smaller step", h, system, t));
    if (t >= how.burn_in) out.emplace_back(s.begin(), s.end());
  }
  return out;
}

}  // namespace

std::vector<double> cosine(int64_t steps, double period) {
  std::vector<double> out;
  for (int64_t t = 1; t <= steps; ++t) out.push_back(std::cos(2 * kPi * double(t) / period));
  return out;
}

Rows van_der_pol(int64_t steps, const Integration& how) {
  return integrate<2>("van der Pol's oscillator", steps, how, [](const std::array<double, 2>& s) {
    return std::array<double, 2>{s[1], (1 - s[0] * s[0]) * s[1] - s[0]};
  });
}

Rows lorenz(int64_t steps, const Integration& how) {
  return integrate<3>("the Lorenz system", steps, how, [](const std::array<double, 3>& s) {
    return std::array<double, 3>{10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1],
                                 s[0] * s[1] - 8.0 / 3 * s[2]};
  });
}

std::vector<double> column(const Rows& rows, size_t k) {
  std::vector<double> out;
  for (const auto& row : rows) out.push_back(row[k]);
  return out;
}

void scale_to_one(std::vector<double>& v) {
  double largest = 0;
  for (const double x : v) largest = std::max(largest, std::abs(x));
  for (double& x : v) x /= largest;
}

Standard standard_of(const std::vector<double>& v, size_t count) {
  const std::vector<double> part(v.begin(), v.begin() + int64_t(count));
  double mean = 0;
  for (const double x : part) mean += x / double(count);
  return {mean, std::sqrt(variance(part))};
}

int64_t autocorrelation_half_width(const std::vector<double>& v) {
  const Standard s = standard_of(v, v.size());
  const double whole = variance(v) * double(v.size() - 1);
  for (size_t lag = 1; lag < v.size(); ++lag) {
    double sum = 0;
    for (size_t i = lag; i < v.size(); ++i) sum += (v[i] - s.mean) * (v[i - lag] - s.mean);
    if (sum < whole / 2) return int64_t(lag);
  }
  return int64_t(v.size());
}

double variance(const std::vector<double>& v) {
  double mean = 0, squares = 0;
  for (const double x : v) mean += x / double(v.size());
  for (const double x : v) squares += (x - mean) * (x - mean);
  return squares / double(v.size() - 1);
}

}  // namespace tenfold::bias_learning
