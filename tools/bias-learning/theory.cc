#include "tools/bias-learning/theory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::bias_learning {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int64_t kKnots = 17, kPoints = 2001;

struct Unit {
  double out, in, bias;  // out phi(in x + bias)
};

template <class T>
T phi(bool heaviside, T u) {
  return heaviside ? T(u > 0) : std::max(u, T(0));
}

double value_of(const std::vector<Unit>& units, bool heaviside, double x) {
  double y = 0;
  for (const Unit& u : units) y += u.out * phi(heaviside, u.in * x + u.bias);
  return y;
}

double knot(int64_t j) { return -1 + 2.0 * double(j) / double(kKnots - 1); }

double point(int64_t i) { return -1 + 2.0 * double(i) / double(kPoints - 1); }

std::vector<Unit> target_network(const std::string& target, bool heaviside) {
  std::vector<Unit> units;
  double slope = 0;
  for (int64_t j = 0; j + 1 < kKnots; ++j) {
    const double rise = ffn_function(target, knot(j + 1)) - ffn_function(target, knot(j));
    const double next = rise / (knot(j + 1) - knot(j));
    const double change = heaviside ? rise : next - slope;
    slope = next;
    if (std::abs(change) < 1e-9) continue;  // rounding
    const double most = heaviside ? kGamma : kGamma * kGamma;
    const auto copies = int64_t(std::ceil(std::abs(change) / most));
    const double w = heaviside ? kGamma : std::sqrt(std::abs(change) / double(copies)),
                 at = heaviside ? (knot(j) + knot(j + 1)) / 2 : knot(j),
                 out = heaviside    ? change / double(copies)
                       : change > 0 ? w
                                    : -w;
    for (int64_t m = 0; m < copies; ++m) units.push_back({out, w, -w * at});
  }
  return units;
}

double uniform(const Stream& stream, uint64_t index, double range) {
  return range * (2 * stream.uniform(index) - 1);
}

}  // namespace

double ffn_function(const std::string& target, double x) {
  return target == "sin" ? std::sin(kPi * x) : 1 + std::clamp(4 * x, -1.0, 1.0);
}

int64_t ffn_target_units(const std::string& target, bool heaviside) {
  return int64_t(target_network(target, heaviside).size());
}

double ffn_target_network_error(const std::string& target, bool heaviside) {
  const std::vector<Unit> units = target_network(target, heaviside);
  double most = 0;
  for (int64_t i = 0; i < kPoints; ++i)
    most = std::max(
        most, std::abs(ffn_function(target, point(i)) - value_of(units, heaviside, point(i))));
  return most;
}

TheoryError ffn_error(const std::string& target, bool heaviside, int64_t width, double range,
                      uint64_t seed) {
  const std::vector<Unit> wanted = target_network(target, heaviside);
  const Stream a(seed, "theory/A"), b(seed, "theory/B");
  std::vector<double> out, in;
  for (int64_t i = 0; i < width; ++i) {
    out.push_back(uniform(a, uint64_t(i), range));
    in.push_back(uniform(b, uint64_t(i), range));
  }
  std::vector<bool> used(size_t(width), false);
  std::vector<Unit> found;  // units that are switched off add nothing on [-1, 1]
  for (const Unit& u : wanted) {
    size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < out.size(); ++i) {
      const double distance = heaviside ? in[i] > 0 ? std::abs(out[i] - u.out) : least
                                        : std::hypot(out[i] - u.out, in[i] - u.in);
      if (used[i] || distance >= least) continue;
      least = distance;
      best = i;
    }
    if (std::isinf(least))
      throw UsageError(fmt::format("--width: {} are too few for the {} units of the target network",
                                   width, wanted.size()));
    used[best] = true;
    found.push_back({out[best], in[best], in[best] * (u.bias / u.in)});
  }
  TheoryError error;
  for (int64_t i = 0; i < kPoints; ++i) {
    const double x = point(i), y = value_of(found, heaviside, x);
    error.error = std::max(error.error, std::abs(y - ffn_function(target, x)));
    error.to_target_network =
        std::max(error.to_target_network, std::abs(y - value_of(wanted, heaviside, x)));
  }
  return error;
}

double rnn_error(int64_t width, double range, uint64_t seed) {
  constexpr int64_t kGrid = 11, kSteps = 20;
  constexpr double kParameter = 0.5;
  const Stream w(seed, "theory/W"), b(seed, "theory/in"), c(seed, "theory/out");
  double least = std::numeric_limits<double>::infinity(), weight = 0, in = 0, out = 0;
  for (int64_t i = 0; i < width; ++i) {
    const double wi = uniform(w, uint64_t(i), range), bi = uniform(b, uint64_t(i), range),
                 ci = uniform(c, uint64_t(i), range);
    const double distance = std::hypot(wi - kParameter, bi - kParameter, ci - kParameter);
    if (distance >= least) continue;
    least = distance;
    weight = wi;
    in = bi;
    out = ci;
  }
  double most = 0;
  for (int64_t p = 0; p < kGrid; ++p) {
    for (int64_t q = 0; q < kGrid; ++q) {
      const double start = double(p) / (kGrid - 1), x = double(q) / (kGrid - 1);
      double z = start, r = start, sum = 0;
      for (int64_t t = 0; t < kSteps; ++t) {
        z = kParameter * z + kParameter * x;
        r = std::max(weight * r + in * x, 0.0);
        sum += std::abs(out * r - kParameter * z);
      }
      most = std::max(most, sum);
    }
  }
  return most;
}

double off_switch_error(bool heaviside, int64_t width, double range, uint64_t seed) {
  constexpr int64_t kInputs = 20, kExamples = 100;
  const Stream b(seed, "theory/B"), a(seed, "theory/A"), x(seed, "theory/x");
  std::vector<float> inputs(kInputs * kExamples), weights(size_t(width * kInputs)),
      readout(static_cast<size_t>(width));
  x.fill_uniform(inputs.data(), int64_t(inputs.size()), -1, 1);
  b.fill_uniform(weights.data(), int64_t(weights.size()), -range, range);
  a.fill_uniform(readout.data(), width, -range, range);
  std::vector<bool> off(size_t(width), false);
  for (const int64_t i : Stream(seed, "theory/off").sample_sorted(width, width / 2))
    off[size_t(i)] = true;
  std::vector<float> u(size_t(width * kExamples)), bias(size_t(width), 0.0f);
  for (int64_t i = 0; i < width; ++i) {
    float most = 0;
    for (int64_t n = 0; n < kExamples; ++n) {
      float sum = 0;
      for (int64_t j = 0; j < kInputs; ++j)
        sum += weights[size_t(i * kInputs + j)] * inputs[size_t(n * kInputs + j)];
      u[size_t(i * kExamples + n)] = sum;
      most = std::max(most, std::abs(sum));
    }
    if (off[size_t(i)]) bias[size_t(i)] = -most - 1;
  }
  double difference = 0, largest = 0;
  for (int64_t n = 0; n < kExamples; ++n) {
    float with = 0, without = 0;
    for (int64_t i = 0; i < width; ++i) {
      const float z = u[size_t(i * kExamples + n)];
      with += readout[size_t(i)] * phi(heaviside, z + bias[size_t(i)]);
      if (!off[size_t(i)]) without += readout[size_t(i)] * phi(heaviside, z);
    }
    difference = std::max(difference, double(std::abs(with - without)));
    largest = std::max(largest, double(std::abs(without)));
  }
  return difference / largest;
}

double bounding_error(bool heaviside, double gamma, uint64_t seed) {
  const Stream parameters(seed, "theory/unit");
  const auto a = float(uniform(parameters, 0, 10)), w = float(uniform(parameters, 1, 10)),
             c = float(uniform(parameters, 2, 10));
  // s (w, c) within gamma, and a / (m s) too.
  const auto s = float(gamma) / std::max({std::abs(w), std::abs(c), float(gamma)});
  const float scale = heaviside ? 1 : s;  // a step is as high whatever s is
  const auto copies = int64_t(std::ceil(double(std::abs(a)) / (gamma * scale)));
  const float part = a / (float(copies) * scale);
  double most = 0, largest = 0;
  for (int64_t i = 0; i < kPoints; ++i) {
    const auto x = float(point(i));
    const float one = a * phi(heaviside, w * x + c),
                copy = part * phi(heaviside, s * w * x + s * c);
    double many = 0;
    for (int64_t m = 0; m < copies; ++m) many += copy;
    most = std::max(most, std::abs(many - one));
    largest = std::max(largest, double(std::abs(one)));
  }
  return largest > 0 ? most / largest : most;
}

}  // namespace tenfold::bias_learning
