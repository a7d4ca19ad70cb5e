// The fused blocks of the Transformer against the plain composition in float64.

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <torch/csrc/autograd/autograd.h>

#include <catch2/catch.hpp>

#include "tools/prequential-icl/encoder_layer.h"
#include "tools/prequential-icl/fastfood.h"
#include "tools/prequential-icl/fused_blocks.h"

namespace tenfold::prequential_icl {
namespace {

at::Tensor draw(const std::vector<int64_t>& shape, uint64_t seed) {
  at::Tensor t = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
  Stream(seed, "blocks_test").fill_normal(t.data_ptr<float>(), t.numel(), 0, 1);
  return t;
}

at::Tensor doubled(const at::Tensor& t) {
  return t.detach().to(at::kDouble).set_requires_grad(true);
}

// Every parameter away from its initial value, so that biases and norms matter.
void disturb(const train::Parameters& parameters) {
  const at::NoGradGuard guard;
  uint64_t seed = 100;
  for (const train::Parameter& p : parameters.all())
    p.value.detach().add_(draw(p.value.sizes().vec(), seed++), 0.2);
}

double error(const at::Tensor& found, const at::Tensor& exact) {
  REQUIRE(found.sizes() == exact.sizes());
  return ((found.to(at::kDouble) - exact).abs().max() / exact.abs().max()).item<double>();
}

struct DoubledAttention {
  AttentionBlock block;
  explicit DoubledAttention(const AttentionBlock& b) : block(b) {
    for (at::Tensor* t : tensors()) *t = doubled(*t);
  }
  std::vector<at::Tensor*> tensors() {
    return {&block.in_weight, &block.in_bias,     &block.out_weight,
            &block.out_bias,  &block.norm.weight, &block.norm.bias};
  }
};

}  // namespace

TEST_CASE("the fused attention block and its gradients are those of the composition in float64") {
  for (const bool is_self : {true, false}) {
    for (const int64_t time : {1, 5, 33}) {
      INFO("self " << is_self << ", time " << time);
      train::Parameters parameters(1);
      const AttentionBlock block(parameters, "a", "n", 16, 4);
      disturb(parameters);
      at::Tensor x = draw({3, time, 16}, 1).set_requires_grad(true);
      at::Tensor m = is_self ? x : draw({3, time, 16}, 2).set_requires_grad(true);
      const at::Tensor weight = draw({3, time, 16}, 3);
      DoubledAttention exact(block);
      at::Tensor x64 = doubled(x), m64 = is_self ? x64 : doubled(m);
      const at::Tensor y = fused_attention(block, x, m),
                       y64 = attention_block_plain(exact.block, x64, m64);
      CHECK(error(y, y64) < 2e-6);
      torch::autograd::backward({(y * weight).sum()}, {});
      torch::autograd::backward({(y64 * weight.to(at::kDouble)).sum()}, {});
      CHECK(error(x.grad(), x64.grad()) < 1e-5);
      if (!is_self) CHECK(error(m.grad(), m64.grad()) < 1e-5);
      const std::vector<at::Tensor> ours = {block.in_weight, block.in_bias,     block.out_weight,
                                            block.out_bias,  block.norm.weight, block.norm.bias};
      const auto theirs = exact.tensors();
      // With one position the keys' gradients are exactly zero, and so are the queries'.
      for (size_t i = 0; i < ours.size(); ++i)
        CHECK(error(ours[i].grad(), theirs[i]->grad()) < 1e-5);
    }
  }
}

TEST_CASE(
    "the fused feed-forward block and its gradients are those of the composition in float64") {
  train::Parameters parameters(2);
  const FeedForwardBlock block(parameters, "f.", "n", 12, 24);
  disturb(parameters);
  at::Tensor x = draw({4, 9, 12}, 4).set_requires_grad(true);
  const at::Tensor weight = draw({4, 9, 12}, 5);
  FeedForwardBlock exact = block;
  at::Tensor x64 = doubled(x);
  const std::vector<at::Tensor*> theirs = {&exact.weight1, &exact.bias1,       &exact.weight2,
                                           &exact.bias2,   &exact.norm.weight, &exact.norm.bias};
  for (at::Tensor* t : theirs) *t = doubled(*t);
  const at::Tensor y = fused_feed_forward(block, x), y64 = feed_forward_block_plain(exact, x64);
  CHECK(error(y, y64) < 2e-6);
  torch::autograd::backward({(y * weight).sum()}, {});
  torch::autograd::backward({(y64 * weight.to(at::kDouble)).sum()}, {});
  CHECK(error(x.grad(), x64.grad()) < 1e-5);
  const std::vector<at::Tensor> ours = {block.weight1, block.bias1,       block.weight2,
                                        block.bias2,   block.norm.weight, block.norm.bias};
  for (size_t i = 0; i < ours.size(); ++i) CHECK(error(ours[i].grad(), theirs[i]->grad()) < 1e-5);
}

TEST_CASE("a shared relu layer adds up the gradients of its uses") {
  train::Parameters parameters(3);
  const train::Linear layer(parameters, "l", 7, 7);
  at::Tensor x = draw({10, 7}, 6).set_requires_grad(true), x64 = doubled(x);
  at::Tensor w64 = doubled(layer.weight), b64 = doubled(layer.bias);
  at::Tensor y = x, y64 = x64;
  for (int i = 0; i < 3; ++i) {
    y = fused_linear_relu(y, layer.weight, layer.bias);
    y64 = (y64.matmul(w64.t()) + b64).clamp_min(0);
  }
  torch::autograd::backward({y.square().sum()}, {});
  torch::autograd::backward({y64.square().sum()}, {});
  CHECK(error(layer.weight.grad(), w64.grad()) < 1e-5);
  CHECK(error(layer.bias.grad(), b64.grad()) < 1e-5);
  CHECK(error(x.grad(), x64.grad()) < 1e-5);
}

TEST_CASE("relative keys depend on the distance, up to 32, and on nothing else") {
  train::Parameters parameters(4);
  const AttentionBlock block(parameters, "a", "n", 8, 2, true);
  const at::Tensor x = draw({1, 1, 8}, 7).expand({1, 50, 8}).contiguous();
  // All tokens are alike: attention weights depend on distances, the mixture does not.
  const at::Tensor y = block(x, x);
  CHECK((y - y.narrow(1, 0, 1)).abs().max().item<double>() < 1e-5);
  const at::Tensor mixed = draw({1, 50, 8}, 8);
  at::Tensor plain_keys = block.relative_keys.detach().clone();
  AttentionBlock without = block;
  without.relative_keys = at::Tensor();
  CHECK((block(mixed, mixed) - without(mixed, mixed)).abs().max().item<double>() > 1e-3);
  // The vector of distance 32 moves the rows that see so far back, and leaves the others alone.
  AttentionBlock moved = block;
  moved.relative_keys = plain_keys.clone();
  moved.relative_keys.select(0, 32).add_(3);
  const at::Tensor difference =
      (block(mixed, mixed) - moved(mixed, mixed)).abs().amax(2).squeeze(0);
  CHECK(difference.narrow(0, 0, 32).max().item<double>() == 0);
  CHECK(difference.narrow(0, 32, 18).min().item<double>() > 0);
}

TEST_CASE("the Walsh-Hadamard transform is (-1)^popcount(i and j) in natural order") {
  const at::Tensor h = walsh_hadamard(at::eye(16));
  for (int64_t i = 0; i < 16; ++i)
    for (int64_t j = 0; j < 16; ++j)
      REQUIRE(h[i][j].item<float>() == (__builtin_popcountll(uint64_t(i & j)) % 2 ? -1.0f : 1.0f));
}

}  // namespace tenfold::prequential_icl
