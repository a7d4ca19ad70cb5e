// Convolutions by Fourier transforms against loops over the definition.

#include "tools/samba-align/hrf_convolution.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <torch/csrc/autograd/autograd.h>

#include <catch2/catch.hpp>

#include "common/core/philox.h"
#include "tools/samba-align/direct_convolution.h"

namespace tenfold::samba_align {
namespace {

at::Tensor normal(const char* name, const std::vector<int64_t>& shape) {
  const at::Tensor t = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
  Stream(5, name).fill_normal(t.data_ptr<float>(), t.numel(), 0, 1);
  return t;
}

// The greatest difference over the greatest expected magnitude.
double apart(const at::Tensor& found, const at::Tensor& expected) {
  REQUIRE(found.sizes() == expected.sizes());
  return ((found - expected).abs().max() / expected.abs().max()).item<double>();
}

// As the released code has it, a call a parcel.
at::Tensor correlated_by_conv1d(const at::Tensor& x, const at::Tensor& h) {
  std::vector<at::Tensor> parcels;
  for (int64_t p = 0; p < x.size(1); ++p) {
    const at::Tensor series = x.narrow(1, p, 1), kernel = h[p].view({1, 1, -1});
    parcels.push_back(at::conv1d(series, kernel, {}, 1, h.size(1) / 2).squeeze(1));
  }
  return at::stack(parcels, 1);
}

struct Sizes {
  int64_t time, taps, count;
};

// Kernels shorter and longer than the outputs, with and without a past, lengths even and odd.
const std::vector<Sizes> kSizes = {{200, 30, 100},  {200, 150, 100}, {100, 30, 100},
                                   {100, 100, 100}, {101, 33, 101},  {257, 128, 61}};

}  // namespace

TEST_CASE("the causal convolution and its gradient are those of the definition") {
  for (const Sizes& s : kSizes) {
    CAPTURE(s.time, s.taps, s.count);
    const at::Tensor x = normal("x", {3, 5, s.time}), d_y = normal("d_y", {3, 5, s.count}),
                     h = normal("h", {5, s.taps}).requires_grad_(true);
    const at::Tensor y = convolved(x, h, s.count, 0.05);
    CHECK(apart(y.detach(), convolved_directly(x, h.detach(), s.count, 0.05)) < 1e-5);
    torch::autograd::backward({y}, {d_y});
    CHECK(apart(h.grad(), convolved_directly_backward(x, d_y, s.taps, 0.05)) < 1e-5);
  }
}

TEST_CASE("the released code's correlation and its gradient are conv1d's") {
  for (const Sizes& s : kSizes) {
    CAPTURE(s.time, s.taps);
    if (s.taps % 2 != 0) continue;
    const at::Tensor x = normal("x", {3, 5, s.time}), d_y = normal("d_y", {3, 5, s.time + 1}),
                     h = normal("h", {5, s.taps}).requires_grad_(true),
                     again = h.detach().clone().requires_grad_(true);
    const at::Tensor y = correlated(x, h), expected = correlated_by_conv1d(x, again);
    CHECK(apart(y.detach(), expected.detach()) < 1e-5);
    torch::autograd::backward({y}, {d_y});
    torch::autograd::backward({expected}, {d_y});
    CHECK(apart(h.grad(), again.grad()) < 1e-5);
  }
}

TEST_CASE("the direct convolution reads the past by hand") {
  // x = 1 2 3 4, h = 10 1, the last two outputs: 10 * 3 + 2, 10 * 4 + 3; half of each.
  const at::Tensor x = at::ones_like(normal("x", {1, 1, 4})).cumsum(2), h = normal("h", {1, 2});
  h[0][0] = 10;
  h[0][1] = 1;
  const at::Tensor y = convolved_directly(x, h, 2, 0.5);
  CHECK(y[0][0][0].item<float>() == 16);
  CHECK(y[0][0][1].item<float>() == 21.5);
  // The gradient of y[0] + 2 y[1]: half of 3 + 2 * 4 and of 2 + 2 * 3.
  const at::Tensor d_y = at::ones_like(y).cumsum(2),
                   d_h = convolved_directly_backward(x, d_y, 2, 0.5);
  CHECK(d_h[0][0].item<float>() == 5.5);
  CHECK(d_h[0][1].item<float>() == 4);
}

}  // namespace tenfold::samba_align
