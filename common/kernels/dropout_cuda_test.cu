#include <catch2/catch.hpp>
#include <cmath>

#include "common/kernels/cuda_for_test.h"
#include "common/kernels/dropout.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {

TEST_CASE("the device drops the elements that the CPU drops") {
  TENFOLD_NEED_CUDA();
  for (const int64_t n : {1, 129, 100003}) {
    const std::vector<float> x(static_cast<size_t>(n), 1.0f), branch(x.size(), 3.0f);
    std::vector<float> expected(x.size());
    const OnDevice<float> on_x(x), on_branch(branch), out(x);
    dropout(branch.data(), 0.3, {5, 6}, 0, n, expected.data());
    dropout_cuda(on_branch.data(), 0.3, {5, 6}, n, out.data(), nullptr);
    CHECK(out.host() == expected);
    add_dropped(x.data(), branch.data(), 0.3, {5, 6}, 0, n, expected.data());
    add_dropped_cuda(on_x.data(), on_branch.data(), 0.3, {5, 6}, n, out.data(), nullptr);
    const std::vector<float> sum = out.host();  // with or without a fused multiply-add
    for (size_t i = 0; i < sum.size(); ++i) REQUIRE(std::abs(sum[i] - expected[i]) < 1e-6f);
  }
}

}  // namespace tenfold::kernels
