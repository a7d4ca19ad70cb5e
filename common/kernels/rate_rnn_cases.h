// Networks, numbers and the definition of rate_rnn's tests, for the CPU and for CUDA.
#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "common/core/philox.h"
#include "common/kernels/rate_rnn_blocks.h"

namespace tenfold::kernels {

using Doubles = std::vector<double>;

// Networks whose loss, a sum of all states times given numbers, the formulas make in float64.
struct RateProblem {
  int64_t models, steps, batch, units;
  double keep, rate, inner, drive;
  RateActivation activation;
  Doubles weight, bias, start, x, d_states;  // empty: none
  bool x_is_constant = false;

  RateProblem(int64_t m, int64_t t, int64_t b, int64_t n, RateActivation a, bool leak_inside,
              bool with_start, bool with_bias, bool constant_x)
      : models(m), steps(t), batch(b), units(n), activation(a), x_is_constant(constant_x) {
    keep = leak_inside ? 0 : 0.7;
    rate = leak_inside ? 1 : 0.3;
    inner = leak_inside ? 0.4 : 0;
    drive = leak_inside ? 0.6 : 1;
    const auto draw = [&](const std::string& name, int64_t count, double scale) {
      std::vector<float> values(static_cast<size_t>(count));
      Stream(uint64_t(n + 100 * t), name).fill_normal(values.data(), count, 0, scale);
      return Doubles(values.begin(), values.end());
    };
    weight = draw("weight", m * n * n, 1.2 / std::sqrt(double(n)));
    x = draw("x", m * (constant_x ? 1 : t) * b * n, 1);
    d_states = draw("d", m * t * b * n, 1);
    if (with_start) start = draw("start", m * b * n, 1);
    if (with_bias) bias = draw("bias", m * n, 1);
  }

  // As one of the blocks' type reads them, from arrays that outlive it.
  template <class T>
  struct Arrays {
    std::vector<T> weight, bias, start, x;
    explicit Arrays(const RateProblem& p)
        : weight(p.weight.begin(), p.weight.end()),
          bias(p.bias.begin(), p.bias.end()),
          start(p.start.begin(), p.start.end()),
          x(p.x.begin(), p.x.end()) {}
    RateRnnNetworks<T> networks(const RateProblem& p) const {
      const auto there = [](const std::vector<T>& v) { return v.empty() ? nullptr : v.data(); };
      return {p.models,    p.steps,      p.batch,    p.units,        T(p.keep),
              T(p.rate),   T(p.inner),   T(p.drive), p.activation,   weight.data(),
              there(bias), there(start), x.data(),   p.x_is_constant};
    }
  };

  double phi(double u) const {
    switch (activation) {
      case RateActivation::kRelu:
        return u > 0 ? u : 0;
      case RateActivation::kTanh:
        return std::tanh(u);
      case RateActivation::kSigmoid:
        return 1 / (1 + std::exp(-u));
      case RateActivation::kHeaviside:
        return u > 0 ? 1 : 0;
    }
    return 0;
  }
  // [models, steps, batch, units]
  Doubles states() const {
    Doubles all(d_states.size());
    const auto n = size_t(units);
    for (int64_t m = 0; m < models; ++m) {
      for (int64_t b = 0; b < batch; ++b) {
        Doubles now(n), next(n);
        for (size_t i = 0; i < n && !start.empty(); ++i)
          now[i] = start[size_t(m * batch + b) * n + i];
        for (int64_t t = 0; t < steps; ++t) {
          const size_t row = size_t((m * steps + t) * batch + b) * n,
                       outside = x_is_constant ? size_t(m * batch + b) * n : row;
          for (size_t i = 0; i < n; ++i) {
            double sum = x[outside + i] + (bias.empty() ? 0 : bias[size_t(m) * n + i]);
            for (size_t j = 0; j < n; ++j) sum += weight[(size_t(m) * n + i) * n + j] * now[j];
            next[i] = keep * now[i] + rate * phi(inner * now[i] + drive * sum);
            all[row + i] = next[i];
          }
          now = next;
        }
      }
    }
    return all;
  }
  double loss() const {
    const Doubles r = states();
    double sum = 0;
    for (size_t k = 0; k < r.size(); ++k) sum += r[k] * d_states[k];
    return sum;
  }
  // Central difference of the loss by an entry.
  double slope_at(double& entry) {
    const double kept = entry, step = 1e-5;
    entry = kept + step;
    const double high = loss();
    entry = kept - step;
    const double low = loss();
    entry = kept;
    return (high - low) / (2 * step);
  }
};

// What must be written begins as NaN.
template <class T>
struct RateResult {
  std::vector<T> states, slopes, d_u, d_start, d_weight, d_bias;

  explicit RateResult(const RateProblem& p)
      : states(p.d_states.size(), T(NAN)),
        slopes(p.d_states.size(), T(NAN)),
        d_u(p.d_states.begin(), p.d_states.end()),
        d_start(size_t(p.models * p.batch * p.units), T(NAN)),
        d_weight(p.weight.size(), T(NAN)),
        d_bias(size_t(p.models * p.units), T(NAN)) {}
};

// `tolerance` of the largest entry of every array.
template <class T>
void check_rates(RateProblem p, const RateResult<T>& r, double tolerance) {
  const auto largest = [](const std::vector<T>& v) {
    double most = 1e-3;
    for (const T x : v) most = std::max(most, std::abs(double(x)));
    return most;
  };
  const Doubles states = p.states();
  for (size_t k = 0; k < states.size(); ++k)
    REQUIRE(std::abs(double(r.states[k]) - states[k]) < tolerance * largest(r.states));
  const auto check = [&](const char* name, const std::vector<T>& found, Doubles& of, double scale) {
    CAPTURE(name);
    const size_t step = 1 + of.size() / 40;
    for (size_t k = 0; k < of.size(); k += step) {
      CAPTURE(k);
      REQUIRE(std::abs(scale * double(found[k]) - p.slope_at(of[k])) < tolerance * largest(found));
    }
  };
  check("weight", r.d_weight, p.weight, 1);
  if (!p.bias.empty()) check("bias", r.d_bias, p.bias, 1);
  if (!p.start.empty()) check("start", r.d_start, p.start, 1);
  if (!p.x_is_constant) check("x", r.d_u, p.x, p.drive);
}

inline std::vector<RateProblem> rate_problems() {
  using A = RateActivation;
  return {RateProblem(1, 1, 1, 3, A::kRelu, true, false, false, false),
          RateProblem(2, 5, 3, 7, A::kRelu, true, true, true, false),
          RateProblem(3, 6, 1, 40, A::kRelu, false, true, true, false),
          RateProblem(2, 8, 5, 33, A::kTanh, true, false, true, false),
          RateProblem(1, 4, 7, 100, A::kSigmoid, false, false, false, true),
          RateProblem(1, 3, 90, 17, A::kTanh, false, true, true, true),
          RateProblem(1, 2, 2, 300, A::kRelu, true, false, false, false),
          // One row through weights that the innermost cache does not hold.
          RateProblem(1, 4, 1, 100, A::kTanh, false, true, true, false),
          RateProblem(1, 3, 1, 217, A::kRelu, true, true, false, true)};
}

}  // namespace tenfold::kernels
