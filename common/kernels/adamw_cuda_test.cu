#include <catch2/catch.hpp>

#include "common/kernels/adamw_cases.h"
#include "common/kernels/cuda_for_test.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {

TEST_CASE("an AdamW update on the device agrees with its formula in float64 at any size") {
  TENFOLD_NEED_CUDA();
  for (const AdamWCase& c : adamw_cases()) {
    CAPTURE(c.n, c.by_entry);
    AdamWData d = make_adamw_data(c);
    const AdamWExpected expected = expected_adamw(c, d);
    const OnDevice<float> p(d.parameters), m(d.first_moment), v(d.second_moment), g(d.gradient),
        decay(d.decay);
    for (int t = 1; t <= kAdamWUpdates; ++t) {
      adamw_update_cuda(p.data(), m.data(), v.data(), g.data(), decay.data(), kUniformDecay, c.n, t,
                        c.gradient_scale, kAdamWTestOptions, nullptr);
    }
    d.parameters = p.host();
    d.first_moment = m.host();
    d.second_moment = v.host();
    REQUIRE(adamw_close(d, expected));
  }
}

}  // namespace tenfold::kernels
