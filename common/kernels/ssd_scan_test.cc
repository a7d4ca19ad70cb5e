#include "common/kernels/ssd_scan.h"

#include <ATen/Context.h>
#include <c10/core/GradMode.h>

#include <catch2/catch.hpp>

#include "common/core/error.h"
#include "common/kernels/scan_for_test.h"
#include "common/kernels/ssd_scan_cases.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

at::Tensor scan(const Tensors& in) {
  return ssd_scan(in[0], in[1], in[2], in[3], in[4], in[5], in[6]);
}

constexpr size_t kRows[] = {0, 1, 3, 4};  // x, dt, B, C: may be slices

struct Problem {
  Tensors in;
  at::Tensor grad;
  SsdScanExpected expected;
};

Problem make_problem(const SsdScanCase& s, at::ScalarType type) {
  const SsdScanProblem p = make_ssd_scan_problem(s);
  const auto shapes = ssd_scan_shapes(s);
  Problem made{{}, tensor_of(p.grad, shapes[0], type), expected_ssd_scan(s, p)};
  for (size_t i = 0; i < kSsdScanInputs; ++i) {
    made.in.push_back(tensor_of(p.in[i], shapes[i], type));
  }
  return made;
}

void require_near(const Tensors& found, const SsdScanExpected& expected, double tolerance) {
  REQUIRE(distance(found[0], expected.out) <= tolerance);
  for (size_t i = 0; i < kSsdScanInputs; ++i) {
    CAPTURE(i);
    REQUIRE(distance(found[i + 1], expected.grad[i]) <= tolerance);
  }
}

}  // namespace

TEST_CASE("output and all gradients agree with the recurrence in float64, steps from .01 to 10") {
  for (const SsdScanCase& s : kSsdScanCases) {
    CAPTURE(s.batch, s.time, s.heads, s.head_dim, s.states);
    for (const auto type : {at::kFloat, at::kDouble}) {
      const Problem p = make_problem(s, type);
      require_near(with_gradients(scan, p.in, p.grad), p.expected,
                   type == at::kFloat ? kSsdScanTolerance<float> : kSsdScanTolerance<double>);
    }
  }
}

TEST_CASE("the gradients agree with differences of the output") {
  const Problem p = make_problem({2, 18, 2, 5, 3}, at::kDouble);
  const Tensors found = with_gradients(scan, p.in, p.grad);
  const double step = 1e-6;
  for (size_t i = 0; i < kSsdScanInputs; ++i) {
    const int64_t entry = p.in[i].numel() / 2;
    const auto loss = [&](double by) {
      Tensors in = p.in;
      in[i] = in[i].clone();
      in[i].view(-1)[entry] += by;
      return (scan(in) * p.grad).sum().item<double>();
    };
    const double slope = (loss(step) - loss(-step)) / (2 * step);
    CAPTURE(i);
    REQUIRE(found[i + 1].view(-1)[entry].item<double>() ==
            Approx(slope).epsilon(1e-6).margin(1e-7));
  }
}

TEST_CASE("slices and transposed inputs give the bytes of contiguous ones") {
  for (const SsdScanCase& s : {SsdScanCase{2, 33, 3, 11, 5}, {2, 10, 4, 8, 8}}) {
    const Problem p = make_problem(s, at::kFloat);
    const Tensors expected = with_gradients(scan, p.in, p.grad);
    for (const auto change : {as_slice, as_transposed}) {
      Tensors in = p.in;
      for (const size_t i : kRows) in[i] = change(in[i]);
      REQUIRE(same_bytes(with_gradients(scan, in, change(p.grad)), expected));
    }
  }
}

TEST_CASE("a token changes no output before it") {
  const int64_t time = 40, changed = 21;
  const Problem p = make_problem({2, time, 2, 13, 8}, at::kFloat);
  const at::Tensor before = scan(p.in);
  for (const size_t i : kRows) {
    Tensors in = p.in;
    in[i] = in[i].clone();
    in[i].narrow(1, changed, 1).add_(0.5);
    const at::Tensor after = scan(in);
    CAPTURE(i);
    REQUIRE(at::equal(after.narrow(1, 0, changed), before.narrow(1, 0, changed)));
    REQUIRE_FALSE(at::equal(after.narrow(1, changed, 1), before.narrow(1, changed, 1)));
  }
}

TEST_CASE("the bytes depend neither on the number of threads nor on whether gradients follow") {
  const Problem p = make_problem({5, 40, 9, 40, 8}, at::kFloat);
  Tensors alone;
  {
    const Threads one(1);
    alone = with_gradients(scan, p.in, p.grad);
  }
  for (const int n : {2, 3, 8}) {
    const Threads several(n);
    CAPTURE(n);
    REQUIRE(same_bytes(with_gradients(scan, p.in, p.grad), alone));
  }
  REQUIRE(at::equal(scan(p.in), alone[0]));
}

TEST_CASE("NaN in one head stays in its output and reaches no other") {
  const Problem p = make_problem({1, 20, 3, 9, 8}, at::kFloat);
  for (const size_t i : {0, 1}) {
    Tensors in = p.in;
    in[i] = in[i].clone();
    in[i].select(2, i == 0 ? 13 : 1).select(1, 7).fill_(NAN);
    const at::Tensor is_nan = scan(in).isnan();
    CAPTURE(i);
    REQUIRE(is_nan.select(2, 13).select(1, 7).all().item<bool>());
    REQUIRE(is_nan.sum().item<int64_t>() == is_nan.narrow(2, 9, 9).sum().item<int64_t>());
  }
}

TEST_CASE("shapes and types that do not fit are refused and named") {
  const Problem p = make_problem({2, 10, 2, 3, 3}, at::kFloat);
  for (size_t i = 0; i < kSsdScanInputs; ++i) {
    CAPTURE(i);
    Tensors in = p.in;
    in[i] = p.in[i].narrow(-1, 0, p.in[i].size(-1) - 1);
    REQUIRE_THROWS_AS(scan(in), DataError);
    in[i] = p.in[i].to(at::kDouble);
    REQUIRE_THROWS_AS(scan(in), DataError);
  }
  Tensors in = p.in;
  in[0] = in[0].narrow(2, 0, 5);
  REQUIRE_THROWS_WITH(scan(in), "ssd_scan: x has 5 columns, expected a multiple of 2 heads");
  in = p.in;
  in[4] = in[4].narrow(1, 0, 9);
  REQUIRE_THROWS_WITH(scan(in), "ssd_scan: C has shape [2, 9, 3], expected [2, 10, 3]");
  for (const size_t i : kRows) in[i] = p.in[i].narrow(1, 0, 0);
  REQUIRE_THROWS_AS(scan(in), DataError);
}

TEST_CASE("on the device, output and gradients agree with the recurrence in float64") {
  if (!at::globalContext().hasCUDA()) TENFOLD_SKIP("no CUDA device");
  for (const SsdScanCase& s : kSsdScanCases) {
    CAPTURE(s.batch, s.time, s.heads, s.head_dim, s.states);
    for (const auto type : {at::kFloat, at::kDouble}) {
      Problem p = make_problem(s, type);
      for (at::Tensor& t : p.in) t = t.to(at::kCUDA);
      require_near(with_gradients(scan, p.in, p.grad.to(at::kCUDA)), p.expected,
                   type == at::kFloat ? kSsdScanTolerance<float> : kSsdScanTolerance<double>);
    }
  }
}

}  // namespace tenfold::kernels
