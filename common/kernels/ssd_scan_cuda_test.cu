#include <catch2/catch.hpp>
#include <memory>

#include "common/kernels/cuda_for_test.h"
#include "common/kernels/ssd_scan_cases.h"
#include "common/kernels/ssd_scan_launch.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {

TEMPLATE_TEST_CASE("ssd_scan on the device agrees with the recurrence and repeats its bytes", "",
                   float, double) {
  using T = TestType;
  TENFOLD_NEED_CUDA();
  for (const SsdScanCase& s : kSsdScanCases) {
    CAPTURE(s.batch, s.time, s.heads, s.head_dim, s.states);
    const SsdScanProblem p = make_ssd_scan_problem(s);
    const SsdScanExpected expected = expected_ssd_scan(s, p);
    std::vector<std::unique_ptr<OnDevice<T>>> in;
    for (const Doubles& values : p.in) in.push_back(std::make_unique<OnDevice<T>>(as<T>(values)));
    const OnDevice<T> grad(as<T>(p.grad));
    const auto rows = [&](size_t i, int64_t width) {
      return contiguous_rows<T>(in[i]->data(), s.time, width);
    };
    const SsdScanView<T> v{s.batch,           s.time,
                           s.heads,           s.head_dim,
                           s.states,          rows(0, s.channels()),
                           rows(1, s.heads),  rows(3, s.states),
                           rows(4, s.states), in[2]->data(),
                           in[5]->data(),     in[6]->data()};
    std::vector<std::vector<T>> first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      const OnDevice<T> out(as<T>(p.grad));
      const OnDevice<T> starts(std::vector<T>(static_cast<size_t>(plan_of(v).starts())));
      const OnDevice<T> scratch(std::vector<T>(static_cast<size_t>(ssd_scan_device_scratch(v))));
      std::vector<std::unique_ptr<OnDevice<T>>> to;
      for (const Doubles& values : p.in) to.push_back(std::make_unique<OnDevice<T>>(as<T>(values)));
      ssd_scan_cuda(v, starts.data(), out.data(), nullptr);
      ssd_scan_backward_cuda<T>(v, starts.data(), scratch.data(),
                                contiguous_rows<T>(grad.data(), s.time, s.channels()),
                                {to[0]->data(), to[1]->data(), to[3]->data(), to[4]->data(),
                                 to[2]->data(), to[5]->data(), to[6]->data()},
                                nullptr);
      std::vector<std::vector<T>> found = {out.host()};
      REQUIRE(distance(found[0], expected.out) <= kSsdScanTolerance<T>);
      for (size_t i = 0; i < kSsdScanInputs; ++i) {
        CAPTURE(i);
        found.push_back(to[i]->host());
        REQUIRE(distance(found.back(), expected.grad[i]) <= kSsdScanTolerance<T>);
      }
      if (repeat == 0) first = found;
      REQUIRE(found == first);
    }
  }
}

}  // namespace tenfold::kernels
