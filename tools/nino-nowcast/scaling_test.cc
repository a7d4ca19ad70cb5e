#include "tools/nino-nowcast/scaling.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/io/file.h"
#include "common/io/safetensors.h"
#include "common/testing/skip.h"
#include "tools/nino-nowcast/fixtures_for_test.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr const char* kMethods[] = {"std", "std-param", "min-max", "min-max-param"};

std::vector<float> scaled_by(const std::vector<float>& x, int64_t ctx,
                             const std::vector<ParamSpec>& params, const ScaleOptions& options) {
  std::vector<float> out(x.size());
  apply_scales(fit_scales(x.data(), ctx, params, options), x.data(), ctx, out.data());
  return out;
}

double largest(const float* x, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; ++i) most = std::max(most, double(std::abs(x[i])));
  return most;
}

double largest_difference(const float* x, const float* y, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; ++i) most = std::max(most, double(std::abs(x[i] - y[i])));
  return most;
}

// One pair of section 5.4, "scale_cases".
struct ScaleCase {
  std::vector<ParamSpec> params;
  std::vector<float> x;
  int64_t ctx = 0;
  io::SafeTensors file;
};

ScaleCase read_scale_case(const std::string& stem) {
  ScaleCase c;
  const auto json = nlohmann::json::parse(io::read_text(stem + ".json"));
  for (const auto& p : json.is_array() ? json : json.at("params")) {
    c.params.push_back({p.at("name"), p.at("shape").get<std::vector<int64_t>>()});
  }
  c.file = io::read_safetensors(stem + ".safetensors");
  c.ctx = c.file.at("x", stem).shape.at(1);
  c.x = c.file.at("x", stem).to_float32("x");
  return c;
}

void check_tensor(const float* x, const float* found, const float* expected, int64_t n,
                  bool std_method) {
  const double mean = std::abs(std::accumulate(x, x + n, 0.0) / double(n));
  const auto [low, high] = std::minmax_element(x, x + n);
  // The reference works in float32; a spread far below the mean leaves it few digits.
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += std::pow(std::abs(double(x[i])) - mean, 2);
  const bool coarse = std::sqrt(squares / double(n)) < 1e-3 * mean;
  if (*low == *high && std_method) REQUIRE(largest(found, n) == 0);
  REQUIRE(largest_difference(found, expected, n) <= (coarse ? 1e-3 : 1e-5) * largest(expected, n));
}

void check_scale_case(const std::string& stem) {
  const ScaleCase c = read_scale_case(stem);
  for (const char* name : kMethods) {
    CAPTURE(stem, name);
    if (!c.file.has(std::string("scaled.") + name)) continue;
    const ScaleMethod method = parse_scale_method(name);
    const Scales scales = fit_scales(c.x.data(), c.ctx, c.params, {method});
    std::vector<float> scaled(c.x.size());
    apply_scales(scales, c.x.data(), c.ctx, scaled.data());
    const auto expected = c.file.at(std::string("scaled.") + name, stem).to_float32(name);
    int64_t begin = 0;
    for (const ParamSpec& p : c.params) {
      CAPTURE(p.name);
      check_tensor(&c.x[begin], &scaled[begin], &expected[begin], p.numel() * c.ctx,
                   method == ScaleMethod::kStd || method == ScaleMethod::kStdParam);
      begin += p.numel() * c.ctx;
    }
    const auto back = c.file.at(std::string("back.") + name, stem).to_float32(name);
    std::vector<float> last(back.size());
    for (size_t i = 0; i < last.size(); ++i) last[i] = scaled[i * c.ctx + c.ctx - 1];
    invert_scales(scales, last.data(), last.data());
    REQUIRE(largest_difference(last.data(), back.data(), last.size()) <= 1e-4);
  }
}

// m and s of the values at `begin`, ..., straight from section 3.6.
std::pair<double, double> plain_scale(const std::string& method, const std::vector<float>& x,
                                      int64_t begin, int64_t n) {
  double sum = 0, squares = 0, low = x[begin], high = x[begin];
  for (int64_t i = begin; i < begin + n; ++i) {
    sum += x[i];
    low = std::min<double>(low, x[i]);
    high = std::max<double>(high, x[i]);
  }
  for (int64_t i = begin; i < begin + n; ++i) squares += std::pow(x[i] - sum / n, 2);
  const double deviation = std::sqrt(squares / (n - 1));
  if (method == "std") return {sum / n, deviation};
  if (method == "std-param") return {sum / n, std::max(deviation, 1e-2)};
  return {0, std::max(high - low, 1e-2)};
}

// Writes a pair in the layout of section 5.4 and returns its stem.
std::string write_scale_case(const std::string& folder, const std::vector<ParamSpec>& params,
                             int64_t ctx, const std::vector<float>& x) {
  io::SafeTensors file;
  nlohmann::json list = nlohmann::json::array();
  const int64_t rows = static_cast<int64_t>(x.size()) / ctx;
  file.tensors["x"] = io::Tensor::from_float32({rows, ctx}, x.data());
  for (const ParamSpec& p : params) list.push_back({{"name", p.name}, {"shape", p.shape}});
  for (const std::string method : kMethods) {
    std::vector<float> scaled, back;
    int64_t row = 0;
    for (const ParamSpec& p : params) {
      const int64_t end = row + p.numel(), first = row;
      for (; row < end; ++row) {
        auto [m, s] = plain_scale(method, x, first * ctx, p.numel() * ctx);
        if (method == "std-param") std::tie(m, s) = plain_scale(method, x, row * ctx, ctx);
        if (method == "min-max-param") std::tie(m, s) = plain_scale(method, x, 0, ctx);
        for (int64_t t = 0; t < ctx; ++t)
          scaled.push_back(float((x[row * ctx + t] - m) / (s + 1e-6)));
        back.push_back(float(scaled.back() * s + m));
      }
    }
    file.tensors["scaled." + method] = io::Tensor::from_float32({rows, ctx}, scaled.data());
    file.tensors["back." + method] = io::Tensor::from_float32({rows}, back.data());
  }
  const std::string stem = folder + "/scale_cases";
  io::write_file_atomic(stem + ".json", list.dump());
  io::write_safetensors(stem + ".safetensors", file);
  return stem;
}

}  // namespace

TEST_CASE("a tensor is scaled by mean and unbiased deviation over all its snapshots") {
  const std::vector<float> x = {1, 2, 3, 4, 10, 10};
  const Scales scales = fit_scales(x.data(), 2, {{"a", {2}}, {"b", {1}}}, {});
  REQUIRE(scales.ends == std::vector<int64_t>{2, 3});
  REQUIRE(scales.mean == std::vector<double>{2.5, 10});
  REQUIRE(scales.spread[0] == Approx(std::sqrt(5.0 / 3)).epsilon(1e-15));
  REQUIRE(scales.spread[1] == 0);
}

TEST_CASE("a constant tensor scales to exactly 0 and comes back as it was") {
  const std::vector<float> x(3 * 4096 * 5, 0.1f);
  for (ScaleMethod method : {ScaleMethod::kStd, ScaleMethod::kStdParam}) {
    const Scales scales = fit_scales(x.data(), 5, {{"a", {3, 4096}}}, {method});
    std::vector<float> out(x.size());
    apply_scales(scales, x.data(), 5, out.data());
    REQUIRE(out == std::vector<float>(x.size(), 0.0f));
    std::vector<float> back(3 * 4096, 0.0f);
    invert_scales(scales, back.data(), back.data());
    REQUIRE(back == std::vector<float>(back.size(), 0.1f));
  }
}

TEST_CASE("min-max-param takes the first scalar's range for all unless corrected") {
  const std::vector<float> x = {0, 2, 5, 6, 1, 1};
  ScaleOptions options{ScaleMethod::kMinMaxParam};
  const std::vector<ParamSpec> params = {{"a", {1}}, {"b", {2}}};
  REQUIRE(fit_scales(x.data(), 2, params, options).spread == std::vector<double>{2, 2, 2});
  options.corrected = true;
  REQUIRE(fit_scales(x.data(), 2, params, options).spread == std::vector<double>{2, 1, 1e-2});
}

TEST_CASE("global scaling takes one mean and deviation over the whole vector") {
  const std::vector<float> x = {1, 2, 3, 6};
  const std::vector<ParamSpec> params = {{"transformer.wte.weight", {1}}, {"b", {1}}};
  const Scales scales = fit_scales(x.data(), 2, params, {ScaleMethod::kStd, false, true});
  REQUIRE(scales.ends == std::vector<int64_t>{2});
  REQUIRE(scales.mean[0] == 3);
  REQUIRE(scales.spread[0] == Approx(std::sqrt(14.0 / 3)));
  REQUIRE(scaled_by(x, 2, params, {ScaleMethod::kMinMax, false, true})[3] == Approx(6 / 5.000001));
  REQUIRE(scales_globally_in_training(params));
  REQUIRE_FALSE(scales_globally_in_training({{"b", {1}}, {"wte.weight", {1}}}));
}

TEST_CASE("targets are scaled with the statistics of the inputs") {
  const std::vector<float> x = {0, 4}, target = {8, 12, 16};
  const Scales scales = fit_scales(x.data(), 2, {{"a", {1}}}, {ScaleMethod::kMinMax});
  std::vector<float> out(3);
  apply_scales(scales, target.data(), 3, out.data());
  REQUIRE(out[0] == Approx(2));
  REQUIRE(out[2] == Approx(4));
}

TEST_CASE("a snapshot with NaN or inf is refused by parameter and snapshot") {
  const std::vector<float> x = {0, 1, 2, 3, NAN, 5};
  REQUIRE_THROWS_WITH(fit_scales(x.data(), 2, {{"a", {2}}, {"b", {1}}}, {}),
                      Catch::Contains("parameter b") && Catch::Contains("snapshot 1 of 2"));
}

TEST_CASE("an unknown scale method is refused") {
  for (const char* name : kMethods)
    REQUIRE(scale_method_name(parse_scale_method(name)) == std::string(name));
  REQUIRE_THROWS_AS(parse_scale_method("zscore"), UsageError);
}

TEST_CASE("all methods agree with a plain computation") {
  const std::vector<ParamSpec> params = {
      {"w", {6, 7}}, {"constant", {9}}, {"scalar", {}}, {"far", {3}}, {"tiny", {2, 2, 3, 3}}};
  std::vector<float> x;
  const Stream random(7, "scaling-test");
  for (const ParamSpec& p : params) {
    for (int64_t i = 0; i < p.numel() * 5; ++i) {
      const double value = random.normal(x.size());
      x.push_back(p.name == "constant" ? 0.3f
                  : p.name == "far"    ? float(50 + 0.001 * value)
                  : p.name == "tiny"   ? float(1e-5 * value)
                                       : float(value));
    }
  }
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("scale-cases-{}", getpid());
  std::filesystem::create_directories(folder);
  check_scale_case(write_scale_case(folder.string(), params, 5, x));
  std::filesystem::remove_all(folder);
}

TEST_CASE("scale cases of the fixtures agree") {
  const std::vector<std::string> stems = fixture_stems("scale_cases");
  if (stems.empty()) TENFOLD_SKIP("no scale_cases among the fixtures");
  for (const std::string& stem : stems) check_scale_case(stem);
}

TEST_CASE("scaled states, means and deviations of the parity samples agree") {
  const std::vector<std::string> stems = sample_stems();
  if (stems.empty()) TENFOLD_SKIP("no parity samples");
  for (const std::string& stem : stems) {
    CAPTURE(stem);
    const Architecture arch = read_architecture(stem + ".json", true);
    const io::SafeTensors file = io::read_safetensors(stem + ".safetensors");
    const io::Tensor& states = file.at("states", stem);
    const std::vector<float> x = states.to_float32("states");
    const int64_t ctx = states.shape.at(1);
    const Scales scales = fit_scales(x.data(), ctx, arch.params, {});
    REQUIRE(scales.num_rows() == states.shape.at(0));
    if (file.has("states_scaled")) {
      std::vector<float> scaled(x.size());
      apply_scales(scales, x.data(), ctx, scaled.data());
      const auto expected = file.at("states_scaled", stem).to_float32("states_scaled");
      REQUIRE(largest_difference(scaled.data(), expected.data(), x.size()) <=
              1e-5 * std::max(1.0, largest(expected.data(), x.size())));
    }
    if (!file.has("scale_mean")) continue;
    const auto mean = file.at("scale_mean", stem).to_float32("scale_mean");
    const auto spread = file.at("scale_std", stem).to_float32("scale_std");
    for (size_t g = 0; g < mean.size(); ++g) {
      REQUIRE(scales.mean[g] == Approx(mean[g]).margin(1e-6));
      REQUIRE(scales.spread[g] == Approx(spread[g]).margin(1e-6).epsilon(1e-5));
    }
  }
}

}  // namespace tenfold::nino_nowcast
