#include "common/kernels/modulated_mean.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <catch2/catch.hpp>
#include <vector>

#include "common/core/error.h"
#include "common/kernels/modulated_mean_cases.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

struct Problem {
  at::Tensor source, target;                             // [E] int64
  at::Tensor target_term, source_term, modulator, grad;  // as in modulated_mean.h; grad [N, H]
  int64_t nodes = 0;

  EdgeIndex edges() const { return EdgeIndex::build(source, target, nodes); }
};

Problem make_problem(const ModulatedMeanCase& c, at::ScalarType type) {
  const ModulatedMeanGraph g = make_modulated_mean_graph(c);
  const ModulatedMeanValues in = make_modulated_mean_values(c);
  const auto matrix = [&](const std::vector<double>& values, int64_t width) {
    return at::tensor(values, at::kDouble).view({-1, width}).to(type);
  };
  const auto ids = [](const std::vector<int64_t>& values) { return at::tensor(values, at::kLong); };
  return {ids(g.source),
          ids(g.target),
          matrix(in.target_term, c.width),
          matrix(in.source_term, c.width),
          matrix(in.modulator, 2 * c.width),
          matrix(in.grad, c.width),
          c.nodes};
}

using Mean = at::Tensor (*)(const Problem& p);

at::Tensor by_kernel(const Problem& p) {
  return modulated_mean(p.target_term, p.source_term, p.modulator,
                        p.edges().to(p.modulator.device()));
}

// The plain composition, which materialises a message an edge.
at::Tensor by_composition(const Problem& p) {
  const int64_t h = p.target_term.size(1);
  const at::Tensor sum =
      p.target_term.index_select(0, p.target) + p.source_term.index_select(0, p.source);
  const at::Tensor messages = p.modulator.narrow(1, 0, h) * sum + p.modulator.narrow(1, h, h);
  const at::Tensor degree = at::bincount(p.target, {}, p.nodes).clamp_min(1).to(sum.scalar_type());
  return at::zeros({p.nodes, h}, sum.options()).index_add(0, p.target, messages) /
         degree.unsqueeze(1);
}

// The mean, then its gradients in the three terms.
std::vector<at::Tensor> with_gradients(Mean mean, Problem p) {
  for (at::Tensor* t : {&p.target_term, &p.source_term, &p.modulator}) {
    *t = t->detach().set_requires_grad(true);
  }
  const at::Tensor out = mean(p);
  std::vector<at::Tensor> results = {out.detach()};
  for (const at::Tensor& g :
       torch::autograd::grad({out}, {p.target_term, p.source_term, p.modulator}, {p.grad})) {
    results.push_back(g);
  }
  return results;
}

// The largest difference over 1 + the largest expected entry.
double distance(const at::Tensor& found, const at::Tensor& expected) {
  REQUIRE(found.sizes() == expected.sizes());
  if (expected.numel() == 0) return 0;
  const at::Tensor difference = (found.to(at::kCPU, at::kDouble) - expected).abs().amax();
  return difference.item<double>() / (1 + expected.abs().amax().item<double>());
}

bool same_bytes(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!at::equal(a[i], b[i])) return false;
  }
  return a.size() == b.size();
}

class Threads {
 public:
  explicit Threads(int n) : before_(at::get_num_threads()) { at::set_num_threads(n); }
  ~Threads() { at::set_num_threads(before_); }

 private:
  int before_;
};

}  // namespace

TEST_CASE("mean and gradients agree with the plain composition and autograd in float64") {
  for (const ModulatedMeanCase& c : kModulatedMeanCases) {
    CAPTURE(c.nodes, c.edges, c.width);
    const auto expected = with_gradients(by_composition, make_problem(c, at::kDouble));
    const auto found = with_gradients(by_kernel, make_problem(c, at::kDouble));
    const auto in_float = with_gradients(by_kernel, make_problem(c, at::kFloat));
    for (size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(i);
      REQUIRE(distance(found[i], expected[i]) <= kModulatedMeanTolerance<double>);
      REQUIRE(distance(in_float[i], expected[i]) <= kModulatedMeanTolerance<float>);
    }
  }
}

TEST_CASE("a node without incoming edges gets zeros and a zero gradient") {
  const auto results = with_gradients(by_kernel, make_problem({9, 70, 31}, at::kDouble));
  REQUIRE(results[0][8].abs().amax().item<double>() == 0);
  REQUIRE(results[1][8].abs().amax().item<double>() == 0);
  REQUIRE(results[0][0].abs().amax().item<double>() > 0);
}

TEST_CASE("the bytes do not depend on the number of threads") {
  const Problem p = make_problem({200, 3000, 40}, at::kFloat);
  std::vector<at::Tensor> alone;
  {
    const Threads one(1);
    alone = with_gradients(by_kernel, p);
  }
  for (const int n : {2, 3, 8}) {
    const Threads several(n);
    CAPTURE(n);
    REQUIRE(same_bytes(with_gradients(by_kernel, p), alone));
  }
}

TEST_CASE("an edge end outside the nodes is refused and named") {
  const at::Tensor good = at::tensor({0, 1}, at::kLong);
  REQUIRE_THROWS_AS(EdgeIndex::build(at::tensor({0, 2}, at::kLong), good, 2), DataError);
  REQUIRE_THROWS_AS(EdgeIndex::build(good, at::tensor({-1, 0}, at::kLong), 2), DataError);
  REQUIRE_THROWS_WITH(EdgeIndex::build(good, at::tensor({1, 7}, at::kLong), 2),
                      "edge 1: found node 7, expected 0..1");
}

TEST_CASE("shapes and types that do not fit are refused") {
  const Problem good = make_problem({9, 70, 31}, at::kFloat);
  for (const auto& spoil : std::vector<void (*)(Problem&)>{
           [](Problem& p) { p.modulator = p.modulator.narrow(1, 0, 61); },
           [](Problem& p) { p.modulator = p.modulator.narrow(0, 0, 69); },
           [](Problem& p) { p.source_term = p.source_term.narrow(0, 0, 8); },
           [](Problem& p) { p.target_term = p.target_term.to(at::kDouble); },
           [](Problem& p) {
             for (at::Tensor* t : {&p.target_term, &p.source_term, &p.modulator}) {
               *t = t->to(at::kLong);
             }
           }}) {
    Problem p = good;
    spoil(p);
    REQUIRE_THROWS_AS(by_kernel(p), DataError);
  }
}

TEST_CASE("on the device, mean and gradients agree with the plain composition") {
  if (!at::globalContext().hasCUDA()) TENFOLD_SKIP("no CUDA device");
  for (const ModulatedMeanCase& c : kModulatedMeanCases) {
    CAPTURE(c.nodes, c.edges, c.width);
    const auto expected = with_gradients(by_composition, make_problem(c, at::kDouble));
    for (const auto type : {at::kFloat, at::kDouble}) {
      Problem p = make_problem(c, type);
      for (at::Tensor* t : {&p.target_term, &p.source_term, &p.modulator, &p.grad}) {
        *t = t->to(at::kCUDA);
      }
      const auto found = with_gradients(by_kernel, p);
      for (size_t i = 0; i < expected.size(); ++i) {
        CAPTURE(i);
        REQUIRE(distance(found[i], expected[i]) <= (type == at::kFloat
                                                        ? kModulatedMeanTolerance<float>
                                                        : kModulatedMeanTolerance<double>));
      }
    }
  }
}

}  // namespace tenfold::kernels
