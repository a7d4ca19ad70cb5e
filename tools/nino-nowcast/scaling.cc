#include "tools/nino-nowcast/scaling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "common/core/error.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr double kEpsilon = 1e-6;
constexpr double kFloor = 1e-2;  // of s, in every method but std
constexpr ScaleMethod kMethods[] = {ScaleMethod::kStd, ScaleMethod::kStdParam, ScaleMethod::kMinMax,
                                    ScaleMethod::kMinMaxParam};

bool per_scalar(ScaleMethod method) {
  return method == ScaleMethod::kStdParam || method == ScaleMethod::kMinMaxParam;
}

// Rows of one m and s.
std::vector<int64_t> group_ends(const std::vector<ParamSpec>& params, const ScaleOptions& options) {
  int64_t rows = 0;
  std::vector<int64_t> ends;
  for (const ParamSpec& p : params) {
    rows += p.numel();
    if (!per_scalar(options.method) && !options.global) ends.push_back(rows);
  }
  if (per_scalar(options.method)) {
    ends.resize(static_cast<size_t>(rows));
    for (int64_t i = 0; i < rows; ++i) ends[size_t(i)] = i + 1;
  } else if (options.global) {
    ends.push_back(rows);
  }
  return ends;
}

bool all_finite(const float* x, int64_t n) {
  constexpr uint32_t kInfinity = 0x7F800000;  // the bits of inf; those of NaN are greater
  uint32_t largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    uint32_t bits;
    std::memcpy(&bits, x + i, sizeof bits);
    largest = std::max(largest, bits & 0x7FFFFFFFu);
  }
  return largest < kInfinity;
}

void refuse_non_finite(const float* x, int64_t ctx, const std::vector<ParamSpec>& params) {
  for (const ParamSpec& p : params) {
    const int64_t count = p.numel() * ctx;
    if (!all_finite(x, count)) {
      const int64_t i = std::find_if(x, x + count, [](float v) { return !std::isfinite(v); }) - x;
      throw DataError(
          fmt::format("parameter {}: entry {} of snapshot {} of {} is {}, expected a finite value",
                      p.name, i / ctx, i % ctx + 1, ctx, x[i]));
    }
    x += count;
  }
}

// The sum of f(x) over n values in float64; independent partial sums keep the adders busy.
template <class F>
double sum_over(const float* x, int64_t n, const F& f) {
  constexpr int64_t kParts = 16;
  double part[kParts] = {};
  int64_t i = 0;
  for (; i + kParts <= n; i += kParts) {
    for (int64_t j = 0; j < kParts; ++j) part[j] += f(double(x[i + j]));
  }
  for (; i < n; ++i) part[0] += f(double(x[i]));
  double sum = 0;
  for (double p : part) sum += p;
  return sum;
}

void mean_and_deviation(const float* x, int64_t n, double& mean, double& deviation) {
  mean = n > 0 ? sum_over(x, n, [](double v) { return v; }) / double(n) : 0;
  const double m = mean;
  const double squares = sum_over(x, n, [m](double v) { return (v - m) * (v - m); });
  deviation = n > 1 ? std::sqrt(squares / double(n - 1)) : 0;
}

double floored_range(const float* x, int64_t n) {
  const auto [low, high] = std::minmax_element(x, x + n);
  return n > 0 ? std::max(double(*high) - double(*low), kFloor) : kFloor;
}

}  // namespace

const char* scale_method_name(ScaleMethod method) {
  switch (method) {
    case ScaleMethod::kStd:
      return "std";
    case ScaleMethod::kStdParam:
      return "std-param";
    case ScaleMethod::kMinMax:
      return "min-max";
    case ScaleMethod::kMinMaxParam:
      return "min-max-param";
  }
  return "";
}

ScaleMethod parse_scale_method(const std::string& name) {
  for (ScaleMethod method : kMethods) {
    if (name == scale_method_name(method)) return method;
  }
  throw UsageError(fmt::format(
      "scale method: found '{}', expected one of std, std-param, min-max, min-max-param", name));
}

bool scales_globally_in_training(const std::vector<ParamSpec>& params) {
  const std::string suffix = "wte.weight";
  if (params.empty() || params[0].name.size() < suffix.size()) return false;
  const std::string& name = params[0].name;
  return name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
}

Scales fit_scales(const float* x, int64_t ctx, const std::vector<ParamSpec>& params,
                  const ScaleOptions& options) {
  refuse_non_finite(x, ctx, params);
  Scales scales;
  scales.ends = group_ends(params, options);
  scales.mean.assign(scales.ends.size(), 0);
  scales.spread.assign(scales.ends.size(), 0);
  int64_t begin = 0;
  for (size_t g = 0; g < scales.ends.size(); ++g) {
    const float* values = x + begin * ctx;
    const int64_t n = (scales.ends[g] - begin) * ctx;
    switch (options.method) {
      case ScaleMethod::kStd:
        mean_and_deviation(values, n, scales.mean[g], scales.spread[g]);
        break;
      case ScaleMethod::kStdParam:
        mean_and_deviation(values, n, scales.mean[g], scales.spread[g]);
        scales.spread[g] = std::max(scales.spread[g], kFloor);
        break;
      case ScaleMethod::kMinMax:
        scales.spread[g] = floored_range(values, n);
        break;
      case ScaleMethod::kMinMaxParam:
        scales.spread[g] =
            options.corrected || g == 0 ? floored_range(values, n) : scales.spread[0];
        break;
    }
    begin = scales.ends[g];
  }
  return scales;
}

void apply_scales(const Scales& scales, const float* x, int64_t columns, float* out) {
  int64_t i = 0;
  for (size_t g = 0; g < scales.ends.size(); ++g) {
    const double mean = scales.mean[g], factor = 1 / (scales.spread[g] + kEpsilon);
    for (; i < scales.ends[g] * columns; ++i) out[i] = static_cast<float>((x[i] - mean) * factor);
  }
}

void invert_scales(const Scales& scales, const float* scaled, float* out) {
  int64_t i = 0;
  for (size_t g = 0; g < scales.ends.size(); ++g) {
    const double mean = scales.mean[g], spread = scales.spread[g];
    for (; i < scales.ends[g]; ++i) out[i] = static_cast<float>(scaled[i] * spread + mean);
  }
}

}  // namespace tenfold::nino_nowcast
