#include <catch2/catch.hpp>
#include <memory>

#include "common/kernels/causal_conv_silu_cases.h"
#include "common/kernels/causal_conv_silu_launch.h"
#include "common/kernels/cuda_for_test.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {

TEMPLATE_TEST_CASE(
    "causal_conv_silu on the device agrees with its definition and repeats its bytes", "", float,
    double) {
  using T = TestType;
  TENFOLD_NEED_CUDA();
  for (const CausalConvCase& s : kCausalConvCases) {
    CAPTURE(s.batch, s.time, s.channels, s.width);
    const CausalConvProblem p = make_causal_conv_problem(s);
    const CausalConvExpected expected = expected_causal_conv(s, p);
    std::vector<std::unique_ptr<OnDevice<T>>> in;
    for (const Doubles& values : p.in) in.push_back(std::make_unique<OnDevice<T>>(as<T>(values)));
    const OnDevice<T> grad(as<T>(p.grad));
    const CausalConvView<T> v{s.batch,
                              s.time,
                              s.channels,
                              s.width,
                              contiguous_rows<T>(in[0]->data(), s.time, s.channels),
                              in[1]->data(),
                              in[2]->data()};
    std::vector<std::vector<T>> first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      const OnDevice<T> out(as<T>(p.grad));
      const OnDevice<T> scratch(std::vector<T>(static_cast<size_t>(causal_conv_device_scratch(v))));
      std::vector<std::unique_ptr<OnDevice<T>>> to;
      for (const Doubles& values : p.in) to.push_back(std::make_unique<OnDevice<T>>(as<T>(values)));
      causal_conv_cuda(v, out.data(), nullptr);
      causal_conv_backward_cuda<T>(v, contiguous_rows<T>(grad.data(), s.time, s.channels),
                                   {to[0]->data(), to[1]->data(), to[2]->data()}, scratch.data(),
                                   nullptr);
      std::vector<std::vector<T>> found = {out.host()};
      REQUIRE(distance(found[0], expected.out) <= kCausalConvTolerance<T>);
      for (size_t i = 0; i < kCausalConvInputs; ++i) {
        CAPTURE(i);
        found.push_back(to[i]->host());
        REQUIRE(distance(found.back(), expected.grad[i]) <= kCausalConvTolerance<T>);
      }
      if (repeat == 0) first = found;
      REQUIRE(found == first);
    }
  }
}

}  // namespace tenfold::kernels
