#include "common/kernels/causal_conv_silu.h"

#include <ATen/Context.h>
#include <c10/core/GradMode.h>

#include <catch2/catch.hpp>

#include "common/core/error.h"
#include "common/kernels/causal_conv_silu_cases.h"
#include "common/kernels/scan_for_test.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

at::Tensor convolve(const Tensors& in) { return causal_conv_silu(in[0], in[1], in[2]); }

struct Problem {
  Tensors in;
  at::Tensor grad;
  CausalConvExpected expected;
};

Problem make_problem(const CausalConvCase& s, at::ScalarType type) {
  const CausalConvProblem p = make_causal_conv_problem(s);
  const auto shapes = causal_conv_shapes(s);
  Problem made{{}, tensor_of(p.grad, shapes[0], type), expected_causal_conv(s, p)};
  for (size_t i = 0; i < kCausalConvInputs; ++i) {
    made.in.push_back(tensor_of(p.in[i], shapes[i], type));
  }
  return made;
}

void require_near(const Tensors& found, const CausalConvExpected& expected, double tolerance) {
  REQUIRE(distance(found[0], expected.out) <= tolerance);
  for (size_t i = 0; i < kCausalConvInputs; ++i) {
    CAPTURE(i);
    REQUIRE(distance(found[i + 1], expected.grad[i]) <= tolerance);
  }
}

}  // namespace

TEST_CASE("output and all gradients agree with the definition in float64") {
  for (const CausalConvCase& s : kCausalConvCases) {
    CAPTURE(s.batch, s.time, s.channels, s.width);
    for (const auto type : {at::kFloat, at::kDouble}) {
      const Problem p = make_problem(s, type);
      require_near(with_gradients(convolve, p.in, p.grad), p.expected,
                   type == at::kFloat ? kCausalConvTolerance<float> : kCausalConvTolerance<double>);
    }
  }
}

TEST_CASE("the gradients agree with differences of the output") {
  const Problem p = make_problem({2, 18, 5, 3}, at::kDouble);
  const Tensors found = with_gradients(convolve, p.in, p.grad);
  const double step = 1e-6;
  for (size_t i = 0; i < kCausalConvInputs; ++i) {
    const int64_t entry = p.in[i].numel() / 2;
    const auto loss = [&](double by) {
      Tensors in = p.in;
      in[i] = in[i].clone();
      in[i].view(-1)[entry] += by;
      return (convolve(in) * p.grad).sum().item<double>();
    };
    const double slope = (loss(step) - loss(-step)) / (2 * step);
    CAPTURE(i);
    REQUIRE(found[i + 1].view(-1)[entry].item<double>() ==
            Approx(slope).epsilon(1e-6).margin(1e-7));
  }
}

TEST_CASE("slices and transposed inputs give the bytes of contiguous ones") {
  for (const CausalConvCase& s : {CausalConvCase{2, 33, 33, 4}, {2, 10, 32, 3}}) {
    const Problem p = make_problem(s, at::kFloat);
    const Tensors expected = with_gradients(convolve, p.in, p.grad);
    for (const auto change : {as_slice, as_transposed}) {
      Tensors in = p.in;
      in[0] = change(in[0]);
      REQUIRE(same_bytes(with_gradients(convolve, in, change(p.grad)), expected));
    }
  }
}

TEST_CASE("a token changes no output before it") {
  const int64_t changed = 21;
  const Problem p = make_problem({2, 40, 13, 4}, at::kFloat);
  const at::Tensor before = convolve(p.in);
  Tensors in = p.in;
  in[0] = in[0].clone();
  in[0].narrow(1, changed, 1).add_(0.5);
  const at::Tensor after = convolve(in);
  REQUIRE(at::equal(after.narrow(1, 0, changed), before.narrow(1, 0, changed)));
  for (int64_t t = changed; t < changed + 4; ++t) {
    REQUIRE_FALSE(at::equal(after.narrow(1, t, 1), before.narrow(1, t, 1)));
  }
  REQUIRE(at::equal(after.narrow(1, changed + 4, 15), before.narrow(1, changed + 4, 15)));
}

TEST_CASE("the bytes depend neither on the number of threads nor on whether gradients follow") {
  const Problem p = make_problem({5, 40, 300, 4}, at::kFloat);
  Tensors alone;
  {
    const Threads one(1);
    alone = with_gradients(convolve, p.in, p.grad);
  }
  for (const int n : {2, 3, 8}) {
    const Threads several(n);
    CAPTURE(n);
    REQUIRE(same_bytes(with_gradients(convolve, p.in, p.grad), alone));
  }
  REQUIRE(at::equal(convolve(p.in), alone[0]));
}

TEST_CASE("shapes and types that do not fit are refused and named") {
  const Problem p = make_problem({2, 10, 6, 3}, at::kFloat);
  for (size_t i = 0; i < kCausalConvInputs; ++i) {
    CAPTURE(i);
    const int64_t channels = i == 0 ? 2 : 0;
    Tensors in = p.in;
    in[i] = p.in[i].narrow(channels, 0, 5);
    REQUIRE_THROWS_AS(convolve(in), DataError);
    in[i] = p.in[i].to(at::kDouble);
    REQUIRE_THROWS_AS(convolve(in), DataError);
  }
  Tensors in = p.in;
  in[2] = in[2].narrow(0, 0, 5);
  REQUIRE_THROWS_WITH(convolve(in), "causal_conv_silu: bias has shape [5], expected [6]");
  in = p.in;
  in[1] = at::cat({in[1], in[1], in[1]}, 1);
  REQUIRE_THROWS_WITH(convolve(in), "causal_conv_silu: found width 9, expected 1..8");
  in = p.in;
  in[0] = in[0].narrow(1, 0, 0);
  REQUIRE_THROWS_AS(convolve(in), DataError);
}

TEST_CASE("on the device, output and gradients agree with the definition in float64") {
  if (!at::globalContext().hasCUDA()) TENFOLD_SKIP("no CUDA device");
  for (const CausalConvCase& s : kCausalConvCases) {
    CAPTURE(s.batch, s.time, s.channels, s.width);
    for (const auto type : {at::kFloat, at::kDouble}) {
      Problem p = make_problem(s, type);
      for (at::Tensor& t : p.in) t = t.to(at::kCUDA);
      require_near(with_gradients(convolve, p.in, p.grad.to(at::kCUDA)), p.expected,
                   type == at::kFloat ? kCausalConvTolerance<float> : kCausalConvTolerance<double>);
    }
  }
}

}  // namespace tenfold::kernels
