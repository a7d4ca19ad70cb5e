#include "common/kernels/causal_conv_silu_launch.h"

#include <catch2/catch.hpp>

#include "common/kernels/blocks_for_test.h"
#include "common/kernels/causal_conv_silu_blocks.h"
#include "common/kernels/causal_conv_silu_cases.h"
#include "common/kernels/causal_conv_silu_isa.h"
#include "common/kernels/isa.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

template <class T>
struct Problem {
  explicit Problem(const CausalConvCase& s)
      : values(make_causal_conv_problem(s)), grad(as<T>(values.grad)) {
    for (size_t i = 0; i < kCausalConvInputs; ++i) in[i] = as<T>(values.in[i]);
    view = {s.batch,
            s.time,
            s.channels,
            s.width,
            contiguous_rows(in[0].data(), s.time, s.channels),
            in[1].data(),
            in[2].data()};
  }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;

  CausalConvProblem values;
  std::array<std::vector<T>, kCausalConvInputs> in;
  std::vector<T> grad;
  CausalConvView<T> view;
};

// Output, gradients and sums; begins as NaN, so that what is never written shows.
template <class T>
struct Found {
  explicit Found(const Problem<T>& p)
      : out(p.grad.size(), NAN),
        taps(size_t(plan_of(p.view).taps()), NAN),
        sums(size_t(plan_of(p.view).sequence_sums()), NAN) {
    for (size_t i = 0; i < kCausalConvInputs; ++i) grad[i].assign(p.in[i].size(), NAN);
  }

  CausalConvGradient<T> to() { return {grad[0].data(), grad[1].data(), grad[2].data()}; }
  void require_near(const CausalConvExpected& expected) const {
    REQUIRE(distance(out, expected.out) <= kCausalConvTolerance<T>);
    for (size_t i = 0; i < kCausalConvInputs; ++i) {
      CAPTURE(i);
      REQUIRE(distance(grad[i], expected.grad[i]) <= kCausalConvTolerance<T>);
    }
  }

  std::vector<T> out, taps, sums;
  std::array<std::vector<T>, kCausalConvInputs> grad;
};

template <class T>
Found<T> by_table(const CausalConvTable<T>& table, const CausalConvCase& s, const Problem<T>& p) {
  const CausalConvPlan plan = plan_of(p.view);
  Found<T> f(p);
  causal_conv_prepare(p.view, f.taps.data());
  for (int64_t i = 0; i < plan.tasks(); ++i) {
    table.forward[s.width - 1](p.view, f.taps.data(), i, f.out.data());
    table.backward[s.width - 1](p.view, f.taps.data(), i,
                                contiguous_rows(p.grad.data(), s.time, s.channels), f.to().x,
                                f.sums.data());
  }
  causal_conv_sum_sequences(p.view, f.sums.data(), 0, plan.sequence_rows(), f.to());
  return f;
}

template <class T>
Found<T> by_blocks(const CausalConvCase& s, const Problem<T>& p, Order order) {
  Found<T> f(p);
  std::vector<T> scratch(size_t(causal_conv_device_scratch(p.view)), NAN);
  const auto run = [&](const auto& body) { run_blocks(body, order); };
  causal_conv_by_blocks(p.view, f.out.data(), run);
  causal_conv_backward_by_blocks(p.view, contiguous_rows(p.grad.data(), s.time, s.channels), f.to(),
                                 scratch.data(), run);
  return f;
}

}  // namespace

TEMPLATE_TEST_CASE("the device's blocks, run on the host, agree with the definition in any order",
                   "", float, double) {
  using T = TestType;
  for (const CausalConvCase& s : kCausalConvCases) {
    CAPTURE(s.batch, s.time, s.channels, s.width);
    const Problem<T> p(s);
    const Found<T> forward = by_blocks(s, p, Order::kForward);
    forward.require_near(expected_causal_conv(s, p.values));
    const Found<T> backward = by_blocks(s, p, Order::kBackward);
    REQUIRE(forward.out == backward.out);
    REQUIRE(forward.grad == backward.grad);
  }
}

TEST_CASE("the AVX2 and the AVX-512 twin both agree with the definition in float64") {
  for (const CausalConvCase& s : kCausalConvCases) {
    CAPTURE(s.batch, s.time, s.channels, s.width);
    const Problem<float> p(s);
    const CausalConvExpected expected = expected_causal_conv(s, p.values);
    const Found<float> narrow = by_table(kCausalConvAvx2, s, p);
    narrow.require_near(expected);
    if (!use_avx512()) continue;
    const Found<float> wide = by_table(kCausalConvAvx512, s, p);
    wide.require_near(expected);
    REQUIRE(narrow.out == wide.out);  // a lane knows nothing of its neighbours
  }
  if (!use_avx512()) TENFOLD_SKIP("no AVX-512 here: only the AVX2 twin is checked");
}

}  // namespace tenfold::kernels
