#include <catch2/catch.hpp>

#include "common/kernels/cuda_for_test.h"
#include "common/kernels/graph_attention_cases.h"
#include "common/kernels/graph_attention_cuda.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {

TEST_CASE("graph attention on the device is that of the formulas and repeats its bytes") {
  TENFOLD_NEED_CUDA();
  for (const GraphProblem& p : graph_problems()) {
    CAPTURE(p.nodes, p.heads, p.features);
    const auto listeners = p.listeners();
    const OnDevice<int32_t> begin(p.begin), node(p.node), listeners_begin(listeners.first),
        listeners_node(listeners.second);
    const OnDevice<float> left(floats_of(p.left)), right(floats_of(p.right)),
        attn(floats_of(p.attn)), d_out(floats_of(p.d_out));
    const GraphAttentionShape shape{p.nodes, p.heads, p.features, 0.2f};
    const GraphAttentionInput input{
        {begin.data(), node.data()}, left.data(), right.data(), attn.data()};
    std::vector<float> first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      GraphResult r(p);
      const OnDevice<float> out(r.out), norms(r.norms), d_left(r.d_left), d_right(r.d_right),
          d_attn(r.d_attn),
          scratch(std::vector<float>(static_cast<size_t>(p.nodes * (p.heads + p.features))));
      graph_attention_cuda(shape, input, out.data(), norms.data(), nullptr);
      graph_attention_backward_cuda(shape, input, {listeners_begin.data(), listeners_node.data()},
                                    norms.data(), d_out.data(), scratch.data(), d_left.data(),
                                    d_right.data(), d_attn.data(), nullptr);
      r.out = out.host();
      r.d_left = d_left.host();
      r.d_right = d_right.host();
      r.d_attn = d_attn.host();
      check_result(p, r);
      if (repeat == 0) first = r.d_right;
      REQUIRE(r.d_right == first);
    }
  }
}

}  // namespace tenfold::kernels
