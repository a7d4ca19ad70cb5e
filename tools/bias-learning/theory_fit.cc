#include "tools/bias-learning/theory_fit.h"

#include <algorithm>
#include <cmath>

#include "common/core/philox.h"
#include "tools/bias-learning/adam.h"
#include "tools/bias-learning/theory.h"

namespace tenfold::bias_learning {
namespace {

constexpr int64_t kPoints = 2001;

double point(int64_t i) { return -1 + 2.0 * double(i) / double(kPoints - 1); }

// A unit is on at points first .. end - 1: right of its corner where `in` is positive, else left.
struct On {
  int64_t first, end;
};

On on_at(double in, double bias) {
  const double corner = std::clamp(-bias / in, -2.0, 2.0);
  const auto right = std::clamp<int64_t>(
      int64_t(std::floor((corner + 1) * double(kPoints - 1) / 2)) + 1, 0, kPoints);
  const auto left =
      std::clamp<int64_t>(int64_t(std::ceil((corner + 1) * double(kPoints - 1) / 2)), 0, kPoints);
  return in > 0 ? On{right, kPoints} : On{0, left};
}

}  // namespace

BiasFit fit_biases(const std::string& target, int64_t width, double range, uint64_t seed,
                   int64_t steps, double rate) {
  const Stream a(seed, "theory/A"), b(seed, "theory/B");
  const auto units = size_t(width);
  std::vector<double> out(units), in(units), wanted;
  for (size_t i = 0; i < units; ++i) {
    out[i] = range * (2 * a.uniform(i) - 1);
    in[i] = range * (2 * b.uniform(i) - 1);
  }
  for (int64_t p = 0; p < kPoints; ++p) wanted.push_back(ffn_function(target, point(p)));
  BiasFit fit;
  fit.biases.assign(units, 0.0f);
  std::vector<float> gradient(units);
  // The output is a line between corners: slopes and offsets change where a unit goes on or off.
  std::vector<double> slope(kPoints + 1), offset(kPoints + 1), sums(kPoints + 1);
  Adam adam;
  adam.resize(units);
  for (int64_t step = 0;; ++step) {
    std::fill(slope.begin(), slope.end(), 0.0);
    std::fill(offset.begin(), offset.end(), 0.0);
    for (size_t i = 0; i < units; ++i) {
      const On on = on_at(in[i], fit.biases[i]);
      slope[size_t(on.first)] += out[i] * in[i];
      slope[size_t(on.end)] -= out[i] * in[i];
      offset[size_t(on.first)] += out[i] * fit.biases[i];
      offset[size_t(on.end)] -= out[i] * fit.biases[i];
    }
    double s = 0, o = 0;
    fit.loss = fit.error = 0;
    for (int64_t p = 0; p < kPoints; ++p) {
      s += slope[size_t(p)];
      o += offset[size_t(p)];
      const double r = s * point(p) + o - wanted[size_t(p)];
      fit.loss += r * r / kPoints;
      fit.error = std::max(fit.error, std::abs(r));
      sums[size_t(p + 1)] = sums[size_t(p)] + 2 * r / kPoints;
    }
    if (step == steps) return fit;
    for (size_t i = 0; i < units; ++i) {
      const On on = on_at(in[i], fit.biases[i]);
      gradient[i] = float(out[i] * (sums[size_t(on.end)] - sums[size_t(on.first)]));
    }
    adam.step(fit.biases.data(), gradient.data(), rate);
  }
}

}  // namespace tenfold::bias_learning
