#include <catch2/catch.hpp>
#include <memory>

#include "common/kernels/cuda_for_test.h"
#include "common/kernels/selective_scan_cases.h"
#include "common/kernels/selective_scan_launch.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {

TEMPLATE_TEST_CASE("selective_scan on the device agrees with the recurrence and repeats its bytes",
                   "", float, double) {
  using T = TestType;
  TENFOLD_NEED_CUDA();
  for (const SelectiveScanCase& s : kSelectiveScanCases) {
    CAPTURE(s.batch, s.time, s.channels, s.states);
    const SelectiveScanProblem p = make_selective_scan_problem(s);
    const SelectiveScanExpected expected = expected_selective_scan(s, p);
    std::vector<std::unique_ptr<OnDevice<T>>> in;
    for (const Doubles& values : p.in) in.push_back(std::make_unique<OnDevice<T>>(as<T>(values)));
    const OnDevice<T> grad(as<T>(p.grad));
    const auto tokens = [&](size_t i) {
      return contiguous_rows<T>(in[i]->data(), s.time, s.channels);
    };
    const auto rows = [&](size_t i) { return contiguous_rows<T>(in[i]->data(), s.time, s.states); };
    const SelectiveScanView<T> v{s.batch,   s.time,        s.channels,    s.states,
                                 tokens(0), tokens(1),     tokens(6),     rows(3),
                                 rows(4),   in[2]->data(), in[5]->data(), in[7]->data()};
    std::vector<std::vector<T>> first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      const OnDevice<T> out(as<T>(p.grad));
      const OnDevice<T> starts(std::vector<T>(static_cast<size_t>(plan_of(v).starts())));
      const OnDevice<T> scratch(
          std::vector<T>(static_cast<size_t>(selective_scan_device_scratch(v))));
      std::vector<std::unique_ptr<OnDevice<T>>> to;
      for (const Doubles& values : p.in) to.push_back(std::make_unique<OnDevice<T>>(as<T>(values)));
      selective_scan_cuda(v, starts.data(), out.data(), nullptr);
      selective_scan_backward_cuda<T>(v, starts.data(), scratch.data(),
                                      contiguous_rows<T>(grad.data(), s.time, s.channels),
                                      {to[0]->data(), to[1]->data(), to[6]->data(), to[3]->data(),
                                       to[4]->data(), to[2]->data(), to[5]->data(), to[7]->data()},
                                      nullptr);
      std::vector<std::vector<T>> found = {out.host()};
      REQUIRE(distance(found[0], expected.out) <= kSelectiveScanTolerance<T>);
      for (size_t i = 0; i < kSelectiveScanInputs; ++i) {
        CAPTURE(i);
        found.push_back(to[i]->host());
        REQUIRE(distance(found.back(), expected.grad[i]) <= kSelectiveScanTolerance<T>);
      }
      if (repeat == 0) first = found;
      REQUIRE(found == first);
    }
  }
}

}  // namespace tenfold::kernels
