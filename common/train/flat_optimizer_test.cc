#include "common/train/flat_optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

namespace tenfold::train {
namespace {

// Twenty steps on f(p) = sum (p - 3)^4 / 4 in plain float64, with `update` as the rule for one
// scalar.
using Update = std::function<double(double p, double g, int step, std::array<double, 3>& state)>;

double by_hand(const Update& update) {
  double p = 1.0;
  std::array<double, 3> state{0, 0, 1};
  for (int step = 1; step <= 20; ++step) p = update(p, std::pow(p - 3, 3), step, state);
  return p;
}

double by_optimizer(const OptimizerOptions& options) {
  at::Tensor p = at::empty({5}).fill_(1.0);
  FlatOptimizer optimizer(options, 5, at::kCPU);
  for (int step = 0; step < 20; ++step) optimizer.step(p, (p - 3).pow(3));
  REQUIRE((p.amax() - p.amin()).item<float>() == 0);
  return p[0].item<float>();
}

}  // namespace

TEST_CASE("AdamW agrees with its formula in float64") {
  OptimizerOptions o;
  o.lr = 0.05;
  o.weight_decay = 0.1;
  const double expected = by_hand([](double p, double g, int t, std::array<double, 3>& s) {
    p *= 1 - 0.05 * 0.1;
    s[0] = 0.9 * s[0] + 0.1 * g;
    s[1] = 0.999 * s[1] + 0.001 * g * g;
    return p - 0.05 * (s[0] / (1 - std::pow(0.9, t))) /
                   (std::sqrt(s[1] / (1 - std::pow(0.999, t))) + 1e-8);
  });
  REQUIRE(by_optimizer(o) == Approx(expected).epsilon(1e-5));
}

TEST_CASE("NAdam agrees with Dozat's formula as PyTorch computes it") {
  OptimizerOptions o;
  o.rule = Rule::kNAdam;
  o.lr = 0.05;
  const double expected = by_hand([](double p, double g, int t, std::array<double, 3>& s) {
    const auto mu = [](int i) { return 0.9 * (1 - 0.5 * std::pow(0.96, i * 4e-3)); };
    s[2] *= mu(t);
    s[0] = 0.9 * s[0] + 0.1 * g;
    s[1] = 0.999 * s[1] + 0.001 * g * g;
    const double denominator = std::sqrt(s[1] / (1 - std::pow(0.999, t))) + 1e-8;
    return p - 0.05 * (1 - mu(t)) / (1 - s[2]) * g / denominator -
           0.05 * mu(t + 1) / (1 - s[2] * mu(t + 1)) * s[0] / denominator;
  });
  REQUIRE(by_optimizer(o) == Approx(expected).epsilon(1e-5));
}

TEST_CASE("Nesterov momentum agrees with PyTorch's SGD, first step included") {
  OptimizerOptions o;
  o.rule = Rule::kNesterov;
  o.lr = 0.01;
  const double expected = by_hand([](double p, double g, int, std::array<double, 3>& s) {
    s[0] = 0.9 * s[0] + g;
    return p - 0.01 * (g + 0.9 * s[0]);
  });
  REQUIRE(by_optimizer(o) == Approx(expected).epsilon(1e-5));
}

TEST_CASE("moments and step count survive a checkpoint") {
  OptimizerOptions o;
  at::Tensor p = at::empty({3}).fill_(1.0), q = p.clone();
  FlatOptimizer a(o, 3, at::kCPU), b(o, 3, at::kCPU);
  for (int i = 0; i < 3; ++i) a.step(p, (p - 3).pow(3));
  Archive saved = Archive::for_saving();
  a.visit_state(saved, "opt/");
  saved.weight("p", p);
  Archive loaded = Archive::for_loading(saved.weights(), saved.state(), "test");
  b.visit_state(loaded, "opt/");
  loaded.weight("p", q);
  a.step(p, (p - 3).pow(3));
  b.step(q, (q - 3).pow(3));
  REQUIRE(p.equal(q));
  REQUIRE(b.steps() == 4);
}

}  // namespace tenfold::train
