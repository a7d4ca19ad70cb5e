#include "common/kernels/ssd_scan_launch.h"

#include <catch2/catch.hpp>

#include "common/kernels/blocks_for_test.h"
#include "common/kernels/isa.h"
#include "common/kernels/ssd_scan_blocks.h"
#include "common/kernels/ssd_scan_cases.h"
#include "common/kernels/ssd_scan_isa.h"
#include "common/kernels/workspace.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

template <class T>
struct Problem {
  explicit Problem(const SsdScanCase& s)
      : values(make_ssd_scan_problem(s)), grad(as<T>(values.grad)) {
    for (size_t i = 0; i < kSsdScanInputs; ++i) in[i] = as<T>(values.in[i]);
    const auto rows = [&](size_t i, int64_t width) {
      return contiguous_rows(in[i].data(), s.time, width);
    };
    view = {s.batch,           s.time,
            s.heads,           s.head_dim,
            s.states,          rows(0, s.channels()),
            rows(1, s.heads),  rows(3, s.states),
            rows(4, s.states), in[2].data(),
            in[5].data(),      in[6].data()};
  }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;

  SsdScanProblem values;
  std::array<std::vector<T>, kSsdScanInputs> in;
  std::vector<T> grad;
  SsdScanView<T> view;
};

// Output, gradients and scratch; begins as NaN, so that what is never written shows.
template <class T>
struct Found {
  Found(const Problem<T>& p, const SsdScanPlan& plan)
      : out(p.grad.size(), NAN),
        starts(size_t(plan.starts()), NAN),
        sequence_sums(size_t(plan.sequence_sums()), NAN),
        block_sums(size_t(plan.block_sums()), NAN) {
    for (size_t i = 0; i < kSsdScanInputs; ++i) grad[i].assign(p.in[i].size(), NAN);
  }

  SsdScanScratch<T> scratch() { return {starts.data(), sequence_sums.data(), block_sums.data()}; }
  SsdScanGradient<T> to() {
    return {grad[0].data(), grad[1].data(), grad[3].data(), grad[4].data(),
            grad[2].data(), grad[5].data(), grad[6].data()};
  }
  void require_near(const SsdScanExpected& expected) const {
    REQUIRE(distance(out, expected.out) <= kSsdScanTolerance<T>);
    for (size_t i = 0; i < kSsdScanInputs; ++i) {
      CAPTURE(i);
      REQUIRE(distance(grad[i], expected.grad[i]) <= kSsdScanTolerance<T>);
    }
  }

  std::vector<T> out, starts, sequence_sums, block_sums;
  std::array<std::vector<T>, kSsdScanInputs> grad;
};

template <class T>
Found<T> by_table(const SsdScanTable<T>& table, const SsdScanCase& s, const Problem<T>& p) {
  const SsdScanPlan plan = plan_of(p.view);
  Found<T> f(p, plan);
  const Workspace<T> workspace(plan.workspace());
  for (int64_t i = 0; i < plan.tasks(); ++i) {
    table.forward(p.view, f.scratch(), i, f.out.data(), workspace.data());
  }
  for (int64_t i = 0; i < plan.tasks(); ++i) {
    table.backward(p.view, f.scratch(), i, contiguous_rows(p.grad.data(), s.time, s.channels()),
                   f.to(), workspace.data());
  }
  ssd_scan_sum_sequences(p.view, f.sequence_sums.data(), f.to());
  if (plan.blocks() > 1) {
    ssd_scan_sum_blocks(p.view, f.block_sums.data(), 0, s.batch * s.time, f.to());
  }
  return f;
}

template <class T>
Found<T> by_blocks(const SsdScanCase& s, const Problem<T>& p, Order order) {
  Found<T> f(p, plan_of(p.view));
  std::vector<T> scratch(size_t(ssd_scan_device_scratch(p.view)), NAN);
  const auto run = [&](const auto& body) { run_blocks(body, order); };
  ssd_scan_by_blocks(p.view, f.starts.data(), f.out.data(), run);
  ssd_scan_backward_by_blocks<T>(p.view, f.starts.data(), scratch.data(),
                                 contiguous_rows(p.grad.data(), s.time, s.channels()), f.to(), run);
  return f;
}

}  // namespace

TEMPLATE_TEST_CASE("the device's blocks, run on the host, agree with the recurrence in any order",
                   "", float, double) {
  using T = TestType;
  for (const SsdScanCase& s : kSsdScanCases) {
    CAPTURE(s.batch, s.time, s.heads, s.head_dim, s.states);
    const Problem<T> p(s);
    const Found<T> forward = by_blocks(s, p, Order::kForward);
    forward.require_near(expected_ssd_scan(s, p.values));
    const Found<T> backward = by_blocks(s, p, Order::kBackward);
    REQUIRE(forward.out == backward.out);
    REQUIRE(forward.grad == backward.grad);
  }
}

TEST_CASE("the AVX2 and the AVX-512 twin both agree with the recurrence in float64") {
  for (const SsdScanCase& s : kSsdScanCases) {
    CAPTURE(s.batch, s.time, s.heads, s.head_dim, s.states);
    const Problem<float> p(s);
    const SsdScanExpected expected = expected_ssd_scan(s, p.values);
    const Found<float> narrow = by_table(kSsdScanAvx2, s, p);
    narrow.require_near(expected);
    if (!use_avx512()) continue;
    const Found<float> wide = by_table(kSsdScanAvx512, s, p);
    wide.require_near(expected);
    // A lane knows nothing of its neighbours; only which products are fused is the compiler's.
    REQUIRE(distance(narrow.out, {wide.out.begin(), wide.out.end()}) <= 1e-7);
  }
  if (!use_avx512()) TENFOLD_SKIP("no AVX-512 here: only the AVX2 twin is checked");
}

}  // namespace tenfold::kernels
