#include "common/kernels/modulated_mean_launch.h"

#include <catch2/catch.hpp>
#include <vector>

#include "common/kernels/blocks_for_test.h"
#include "common/kernels/modulated_mean_cases.h"

namespace tenfold::kernels {
namespace {

template <class T>
std::vector<T> as(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

template <class T>
struct Problem {
  explicit Problem(const ModulatedMeanCase& c)
      : graph(make_modulated_mean_graph(c)),
        values(make_modulated_mean_values(c)),
        expected(expected_modulated_mean(c, graph, values)),
        target_term(as<T>(values.target_term)),
        source_term(as<T>(values.source_term)),
        modulator(as<T>(values.modulator)),
        grad(as<T>(values.grad)),
        view{c.nodes,
             c.edges,
             c.width,
             target_term.data(),
             source_term.data(),
             modulator.data(),
             graph.source.data(),
             graph.target.data(),
             graph.by_target.data(),
             graph.target_offsets.data(),
             graph.by_source.data(),
             graph.source_offsets.data()} {}

  ModulatedMeanGraph graph;
  ModulatedMeanValues values;
  ModulatedMeanResult expected;
  std::vector<T> target_term, source_term, modulator, grad;
  EdgeView<T> view;
};

template <class T>
struct Found {
  explicit Found(const Problem<T>& p)
      : mean(p.grad), target_grad(p.grad), source_grad(p.grad), modulator_grad(p.modulator) {}

  bool agrees(const ModulatedMeanResult& expected) const {
    constexpr double kTolerance = kModulatedMeanTolerance<T>;
    return near(mean, expected.mean, kTolerance) &&
           near(target_grad, expected.target_grad, kTolerance) &&
           near(source_grad, expected.source_grad, kTolerance) &&
           near(modulator_grad, expected.modulator_grad, kTolerance);
  }
  bool operator==(const Found& o) const {
    return mean == o.mean && target_grad == o.target_grad && source_grad == o.source_grad &&
           modulator_grad == o.modulator_grad;
  }

  std::vector<T> mean, target_grad, source_grad, modulator_grad;  // begin with other contents
};

template <class T>
Found<T> by_blocks(const Problem<T>& p, Order order) {
  Found<T> f(p);
  run_blocks(sum_over_edges(p.view, MeanOfNode<T>{{p.view}, f.mean.data()}), order);
  run_blocks(
      sum_over_edges(p.view,
                     GradientIntoNode<T>{
                         {p.view}, p.grad.data(), f.target_grad.data(), f.modulator_grad.data()}),
      order);
  run_blocks(
      sum_over_edges(p.view, GradientOutOfNode<T>{p.view, p.grad.data(), f.source_grad.data()}),
      order);
  return f;
}

}  // namespace

TEMPLATE_TEST_CASE("modulated_mean_cpu agrees with the definition over any split of the nodes", "",
                   float, double) {
  using T = TestType;
  for (const ModulatedMeanCase& c : kModulatedMeanCases) {
    CAPTURE(c.nodes, c.edges, c.width);
    const Problem<T> p(c);
    Found<T> f(p);
    for (int64_t first = 0; first < c.nodes; first += 3) {
      const int64_t end = std::min(first + 3, c.nodes);
      modulated_mean_cpu(p.view, first, end, f.mean.data());
      modulated_mean_backward_cpu<T>(
          p.view, first, end, p.grad.data(),
          {f.target_grad.data(), f.source_grad.data(), f.modulator_grad.data()});
    }
    REQUIRE(f.agrees(p.expected));
  }
}

TEMPLATE_TEST_CASE("the device's blocks, run on the host, agree with the definition in any order",
                   "", float, double) {
  using T = TestType;
  for (const ModulatedMeanCase& c : kModulatedMeanCases) {
    CAPTURE(c.nodes, c.edges, c.width);
    const Problem<T> p(c);
    const Found<T> forward = by_blocks(p, Order::kForward);
    REQUIRE(forward.agrees(p.expected));
    REQUIRE(forward == by_blocks(p, Order::kBackward));
  }
}

TEST_CASE("long segments are split into groups, short ones and wide rows are not") {
  REQUIRE(segment_shape(1000, 4000, 32).groups == 1);
  REQUIRE(segment_shape(2, 1000, 40).groups == 4);
  const SegmentShape wide = segment_shape(2, 100000, 300);
  REQUIRE(wide.lanes * wide.groups == kMaxThreads);
}

}  // namespace tenfold::kernels
