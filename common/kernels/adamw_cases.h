// Shapes, contents, the formula and the tolerance of AdamW's tests, for the CPU and for CUDA.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "common/kernels/adamw.h"

namespace tenfold::kernels {

constexpr double kAdamWTolerance = 2e-6;  // absolute and relative, against float64
constexpr int kAdamWUpdates = 5;

// Around the 1024 entries of a block on the device, and none.
inline const std::vector<int64_t> kAdamWSizes = {0, 1, 7, 256, 1023, 1024, 1025, 5000};

struct AdamWCase {
  int64_t n;
  bool by_entry;  // weight decay by entry, or the same for all
  double gradient_scale;
};

inline std::vector<AdamWCase> adamw_cases() {
  std::vector<AdamWCase> cases;
  for (const int64_t n : kAdamWSizes) {
    cases.push_back({n, false, 1.0});
    cases.push_back({n, true, 0.25});
  }
  return cases;
}

constexpr double kUniformDecay = 0.1;
inline const AdamWOptions kAdamWTestOptions = {0.05, 0.9, 0.999, 1e-8};

struct AdamWData {
  std::vector<float> parameters, first_moment, second_moment, gradient, decay;
};

inline AdamWData make_adamw_data(const AdamWCase& c) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const auto n = static_cast<size_t>(c.n);
  AdamWData d{std::vector<float>(n),
              std::vector<float>(n),
              std::vector<float>(n),
              std::vector<float>(n),
              {}};
  for (float& x : d.parameters) x = normal(random);
  for (float& x : d.gradient) x = normal(random);
  for (size_t i = 0; c.by_entry && i < n; ++i) d.decay.push_back(i % 3 == 0 ? 0.0f : 0.2f);
  return d;
}

struct AdamWExpected {
  std::vector<double> parameters, first_moment, second_moment;
};

// The formula of adamw.h in float64, kAdamWUpdates times with one gradient.
inline AdamWExpected expected_adamw(const AdamWCase& c, const AdamWData& d) {
  const AdamWOptions& o = kAdamWTestOptions;
  AdamWExpected r{{d.parameters.begin(), d.parameters.end()},
                  std::vector<double>(d.parameters.size()),
                  std::vector<double>(d.parameters.size())};
  for (int t = 1; t <= kAdamWUpdates; ++t) {
    for (size_t i = 0; i < d.parameters.size(); ++i) {
      const double g = d.gradient[i] * c.gradient_scale;
      const double decay = c.by_entry ? d.decay[i] : kUniformDecay;
      double& m = r.first_moment[i];
      double& v = r.second_moment[i];
      m = o.beta1 * m + (1 - o.beta1) * g;
      v = o.beta2 * v + (1 - o.beta2) * g * g;
      r.parameters[i] = r.parameters[i] * (1 - o.lr * decay) -
                        o.lr * (m / (1 - std::pow(o.beta1, t))) /
                            (std::sqrt(v / (1 - std::pow(o.beta2, t))) + o.eps);
    }
  }
  return r;
}

inline bool adamw_close(const std::vector<float>& found, const std::vector<double>& expected) {
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!(std::abs(found[i] - expected[i]) <= kAdamWTolerance * (1 + std::abs(expected[i])))) {
      return false;
    }
  }
  return found.size() == expected.size();
}

inline bool adamw_close(const AdamWData& found, const AdamWExpected& expected) {
  return adamw_close(found.parameters, expected.parameters) &&
         adamw_close(found.first_moment, expected.first_moment) &&
         adamw_close(found.second_moment, expected.second_moment);
}

}  // namespace tenfold::kernels
