#include "tools/samba-align/low_rate_convolution.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <torch/csrc/autograd/autograd.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "tools/samba-align/hrf_bank.h"
#include "tools/samba-align/hrf_convolution.h"
#include "tools/samba-align/series_resampling.h"

namespace tenfold::samba_align {
namespace {

at::Tensor normal(const char* name, const std::vector<int64_t>& shape) {
  const at::Tensor t = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
  Stream(5, name).fill_normal(t.data_ptr<float>(), t.numel(), 0, 1);
  return t;
}

// Root of the mean square of the difference over that of what is expected.
double apart(const at::Tensor& found, const at::Tensor& expected) {
  REQUIRE(found.sizes() == expected.sizes());
  const auto norm = [](const at::Tensor& t) { return t.to(at::kDouble).norm().item<double>(); };
  return norm(found - expected) / norm(expected);
}

// The corners of the parameters' ranges, the narrowest responses among them (section 3.2).
at::Tensor corners() {
  return at::tensor({6.0f, 12.0f, 0.5f, 0.7f, 0.5f, 0.4f, 10.0f, 14.0f, 1.3f, 0.8f,  1.1f, 0.8f,
                     6.0f, 14.0f, 1.3f, 0.7f, 1.1f, 0.4f, 8.0f,  13.0f, 0.9f, 0.75f, 0.8f, 0.6f})
      .view({4, 6});
}

struct Sizes {
  double rate;
  int64_t factor, time, count;
};
// 200 Hz at 20, with and without a past; 50 Hz at 25 and at 10.
const std::vector<Sizes> kSizes = {
    {200, 10, 12000, 6000}, {200, 10, 6000, 6000}, {50, 2, 3000, 1500}, {50, 5, 3000, 1500}};

}  // namespace

TEST_CASE("at a low rate the convolution is that of the full rate to 1e-3 of its rms") {
  for (const Sizes& s : kSizes) {
    CAPTURE(s.rate, s.factor, s.time);
    const int64_t taps = int64_t(30 * s.rate);
    const at::Tensor x = normal("x", {2, 4, s.time}), d_y = normal("d_y", {2, 4, s.count}),
                     values = corners().requires_grad_(true), same = corners().requires_grad_(true);
    const at::Tensor full = convolved(x, double_gamma(values, s.rate, taps), s.count, 1 / s.rate);
    const at::Tensor low =
        convolved_at_low_rate(x, double_gamma(same, s.rate / double(s.factor), taps / s.factor),
                              s.factor, s.count, 1 / s.rate);
    CHECK(apart(low.detach(), full.detach()) < 1e-3);
    torch::autograd::backward({full}, {d_y});
    torch::autograd::backward({low}, {d_y});
    CHECK(apart(same.grad(), values.grad()) < 1e-3);
  }
}

TEST_CASE("the low rate's gradient is the slope of its values") {
  const at::Tensor x = normal("x", {2, 3, 400}), h = normal("h", {3, 15}).requires_grad_(true),
                   d_y = normal("d_y", {2, 3, 200});
  const auto value = [&](const at::Tensor& at) {
    return (convolved_at_low_rate(x, at, 10, 200, 0.1) * d_y).sum();
  };
  torch::autograd::backward({value(h)}, {});
  for (const int64_t k : {0, 7, 14}) {
    at::Tensor high = h.detach().clone(), low = h.detach().clone();
    high[1][k] += 0.5;  // the convolution is linear in h: no step is too large
    low[1][k] -= 0.5;
    CHECK(h.grad()[1][k].item<double>() ==
          Approx((value(high) - value(low)).item<double>()).epsilon(1e-3).margin(1e-4));
  }
}

TEST_CASE("a rate that is no divisor of the window or its context is refused") {
  const at::Tensor x = normal("x", {1, 1, 205}), h = normal("h", {1, 10});
  CHECK_THROWS_AS(convolved_at_low_rate(x, h, 10, 100, 1), UsageError);
}

TEST_CASE("slow oscillations survive a lower rate and its way back, fast ones are gone") {
  const SeriesResampling rates(10);
  constexpr int64_t kCount = 2000;
  const auto back = [&](double hertz) {
    std::vector<float> x(kCount), low(kCount / 10 + 7), y(kCount);
    for (size_t t = 0; t < x.size(); ++t)
      x[t] = float(std::cos(2 * 3.14159265358979 * hertz * double(t) / 200));
    rates.decimate(x.data(), kCount, -3, int64_t(low.size()), low.data());
    rates.interpolate(low.data(), kCount, y.data());
    double lost = 0, kept = 0;  // far from the ends
    for (size_t t = 200; t + 200 < x.size(); ++t) {
      lost = std::max(lost, std::abs(double(y[t]) - double(x[t])));
      kept = std::max(kept, std::abs(double(y[t])));
    }
    return std::pair(lost, kept);
  };
  CHECK(back(0).first < 1e-4);
  CHECK(back(1).first < 3e-4);
  CHECK(back(2.5).first < 3e-4);
  CHECK(back(18).second < 3e-4);
  CHECK(back(60).second < 3e-4);
}

}  // namespace tenfold::samba_align
