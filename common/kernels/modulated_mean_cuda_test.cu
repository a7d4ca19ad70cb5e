#include <catch2/catch.hpp>

#include "common/kernels/cuda_for_test.h"
#include "common/kernels/modulated_mean_cases.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

template <class T>
std::vector<T> as(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

}  // namespace

TEMPLATE_TEST_CASE("modulated_mean on the device agrees with its definition and repeats its bytes",
                   "", float, double) {
  using T = TestType;
  TENFOLD_NEED_CUDA();
  for (const ModulatedMeanCase& c : kModulatedMeanCases) {
    CAPTURE(c.nodes, c.edges, c.width);
    const ModulatedMeanGraph g = make_modulated_mean_graph(c);
    const ModulatedMeanValues in = make_modulated_mean_values(c);
    const ModulatedMeanResult expected = expected_modulated_mean(c, g, in);
    const OnDevice<int64_t> source(g.source), target(g.target), by_target(g.by_target),
        target_offsets(g.target_offsets), by_source(g.by_source), source_offsets(g.source_offsets);
    const OnDevice<T> target_term(as<T>(in.target_term)), source_term(as<T>(in.source_term)),
        modulator(as<T>(in.modulator)), grad(as<T>(in.grad));
    const EdgeView<T> view{c.nodes,
                           c.edges,
                           c.width,
                           target_term.data(),
                           source_term.data(),
                           modulator.data(),
                           source.data(),
                           target.data(),
                           by_target.data(),
                           target_offsets.data(),
                           by_source.data(),
                           source_offsets.data()};
    std::vector<T> first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      const OnDevice<T> mean(as<T>(in.grad)), target_grad(as<T>(in.grad)),
          source_grad(as<T>(in.grad)), modulator_grad(as<T>(in.modulator));
      modulated_mean_cuda(view, mean.data(), nullptr);
      modulated_mean_backward_cuda<T>(
          view, grad.data(), {target_grad.data(), source_grad.data(), modulator_grad.data()},
          nullptr);
      REQUIRE(near(mean.host(), expected.mean, kModulatedMeanTolerance<T>));
      REQUIRE(near(target_grad.host(), expected.target_grad, kModulatedMeanTolerance<T>));
      REQUIRE(near(source_grad.host(), expected.source_grad, kModulatedMeanTolerance<T>));
      REQUIRE(near(modulator_grad.host(), expected.modulator_grad, kModulatedMeanTolerance<T>));
      if (repeat == 0) first = source_grad.host();
      REQUIRE(source_grad.host() == first);
    }
  }
}

}  // namespace tenfold::kernels
