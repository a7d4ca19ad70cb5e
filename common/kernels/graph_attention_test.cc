#include "common/kernels/graph_attention.h"

#include <catch2/catch.hpp>

#include "common/kernels/blocks_for_test.h"
#include "common/kernels/graph_attention_blocks.h"
#include "common/kernels/graph_attention_cases.h"
#include "common/kernels/graph_attention_isa.h"
#include "common/kernels/isa.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

// One problem in the kernels' own terms.
struct Floats32 {
  std::vector<float> left, right, attn, d_out;
  GraphAttentionShape shape;
  GraphAttentionInput input;

  explicit Floats32(const GraphProblem& p)
      : left(floats_of(p.left)),
        right(floats_of(p.right)),
        attn(floats_of(p.attn)),
        d_out(floats_of(p.d_out)),
        shape{p.nodes, p.heads, p.features, 0.2f},
        input{{p.begin.data(), p.node.data()}, left.data(), right.data(), attn.data()} {}
};

void check_all(const GraphAttentionTable& table) {
  for (const GraphProblem& p : graph_problems()) {
    CAPTURE(p.nodes, p.heads, p.features);
    const Floats32 f(p);
    GraphResult r(p);
    std::vector<float> weights(p.node.size() * size_t(p.heads), NAN);
    table.forward(f.shape, f.input, r.out.data(), r.norms.data());
    table.weights(f.shape, f.input, r.norms.data(), weights.data());
    table.backward(f.shape, f.input, r.norms.data(), f.d_out.data(), r.d_left.data(),
                   r.d_right.data(), r.d_attn.data());
    const Doubles w = p.weights();
    for (size_t k = 0; k < w.size(); ++k) CHECK(weights[k] == Approx(w[k]).margin(1e-6));
    check_result(p, r);
  }
}

GraphResult by_blocks(const GraphProblem& p, Order order) {
  const Floats32 f(p);
  GraphResult r(p);
  const auto run = [&](const auto& body) { run_blocks(body, order); };
  graph_attention_by_blocks(f.shape, f.input, r.out.data(), r.norms.data(), run);
  const auto [begin, node] = p.listeners();
  std::vector<float> scratch(size_t(p.nodes * (p.heads + p.features)), NAN);
  graph_attention_backward_by_blocks(f.shape, f.input, {begin.data(), node.data()}, r.norms.data(),
                                     f.d_out.data(), scratch.data(), r.d_left.data(),
                                     r.d_right.data(), r.d_attn.data(), run);
  return r;
}

}  // namespace

TEST_CASE("graph attention and its gradients are those of the formulas") {
  check_all(kGraphAttentionAvx2);
}

TEST_CASE("graph attention with AVX-512 is that of the formulas") {
  if (!use_avx512()) {
    testing::print_skip("no AVX-512 here: its twin is not checked");
    return;
  }
  check_all(kGraphAttentionAvx512);
}

TEST_CASE("graph attention in blocks is that of the formulas, in any order of threads") {
  for (const GraphProblem& p : graph_problems()) {
    CAPTURE(p.nodes, p.heads, p.features);
    const GraphResult r = by_blocks(p, Order::kForward), again = by_blocks(p, Order::kBackward);
    check_result(p, r);
    CHECK(r.out == again.out);
    CHECK(r.d_left == again.d_left);
    CHECK(r.d_right == again.d_right);
    CHECK(r.d_attn == again.d_attn);
  }
}

}  // namespace tenfold::kernels
