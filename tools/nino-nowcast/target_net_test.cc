#include "tools/nino-nowcast/target_net.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <catch2/catch.hpp>

namespace tenfold::nino_nowcast {
namespace {

NetSpec spec_of(int which) {
  NetSpec s;
  s.image_size = 8;
  s.classes = 5;
  s.conv = which > 0;
  s.hidden = which == 0 ? std::vector<int64_t>{6, 4} : std::vector<int64_t>{3, 4};
  s.batch_norm = which > 1;
  s.bias = which != 3;
  return s;
}

}  // namespace

TEST_CASE("parameter counts are the paper's") {
  NetSpec fm16{true, {16, 32, 32}}, fm32{true, {32, 64, 64}}, mlp{false, {32}};
  mlp.image_size = 14;
  REQUIRE(TargetNet(fm16).num_params() == 14378);
  REQUIRE(TargetNet(fm32).num_params() == 56394);
  REQUIRE(TargetNet(mlp).num_params() == 6634);
  fm16.channels = fm32.channels = 3;
  REQUIRE(TargetNet(fm16).num_params() == 14666);
  REQUIRE(TargetNet(fm32).num_params() == 56970);
  fm32.classes = 100;
  REQUIRE(TargetNet(fm32).num_params() == 62820);
}

TEST_CASE("names are positions in the official sequence") {
  const TargetNet net(NetSpec{true, {16, 32, 32}});
  REQUIRE(net.architecture().params.front().name == "fc.0.weight");
  REQUIRE(net.architecture().params.back().name == "fc.8.bias");
  NetSpec bn = spec_of(2);
  REQUIRE(TargetNet(bn).architecture().params[2].name == "fc.1.weight");
  REQUIRE(TargetNet(bn).architecture().params[4].name == "fc.3.weight");
}

TEST_CASE("the hand-written gradient agrees with finite differences in float64") {
  for (int which = 0; which < 4; ++which) {
    const at::NoGradGuard guard;
    const TargetNet net(spec_of(which));
    at::Tensor start = at::zeros({net.num_params()}), buffers = at::zeros({net.num_buffers()});
    net.initialise(start, buffers, 3);
    const at::Tensor params = start.to(at::kDouble), running = buffers.to(at::kDouble);
    const at::Tensor x = at::rand({7, 1, 8, 8}, at::kDouble) - 0.3,
                     y = at::tensor({0, 1, 2, 3, 4, 0, 2}, at::kLong);
    at::Tensor gradient = at::zeros_like(params);
    const double loss = net.loss_and_gradient(params, running, x, y, gradient).item<double>();
    const auto loss_at = [&](const at::Tensor& p) {
      return at::cross_entropy_loss(net.logits(p, running, x, true), y).item<double>();
    };
    INFO("network " << which);
    REQUIRE(loss == Approx(loss_at(params)).epsilon(1e-12));
    for (int64_t i = 0; i < params.size(0); i += 3) {
      const double h = 1e-6;
      at::Tensor up = params.clone(), down = params.clone();
      up[i] += h;
      down[i] -= h;
      const double expected = (loss_at(up) - loss_at(down)) / (2 * h);
      INFO("parameter " << i);
      REQUIRE(gradient[i].item<double>() == Approx(expected).epsilon(1e-5).margin(1e-8));
    }
  }
}

TEST_CASE("initial weights lie within 1/sqrt(fan in) and depend on the seed") {
  const TargetNet net(NetSpec{true, {16, 32, 32}});
  at::Tensor a = at::zeros({net.num_params()}), b = at::zeros({net.num_params()}),
             none = at::zeros({0});
  net.initialise(a, none, 1000);
  net.initialise(b, none, 2000);
  REQUIRE_FALSE(a.equal(b));
  REQUIRE(a.narrow(0, 0, 144).abs().max().item<float>() <= 1.0f / 3.0f);
  REQUIRE(a.narrow(0, 0, 144).abs().max().item<float>() > 0.3f);
  net.initialise(b, none, 1000);
  REQUIRE(a.equal(b));
}

}  // namespace tenfold::nino_nowcast
