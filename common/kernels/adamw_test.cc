#include "common/kernels/adamw.h"

#include <catch2/catch.hpp>

#include "common/kernels/adamw_body.h"
#include "common/kernels/adamw_cases.h"
#include "common/kernels/blocks_for_test.h"

namespace tenfold::kernels {
namespace {

const float* decay_of(const AdamWData& d) { return d.decay.empty() ? nullptr : d.decay.data(); }

AdamWData by_blocks(const AdamWCase& c, Order order) {
  AdamWData d = make_adamw_data(c);
  for (int t = 1; t <= kAdamWUpdates; ++t) {
    run_blocks(AdamWBlocks{d.parameters.data(), d.first_moment.data(), d.second_moment.data(),
                           d.gradient.data(), decay_of(d), float(kUniformDecay), c.n,
                           adamw_step(kAdamWTestOptions, t, c.gradient_scale)},
               order);
  }
  return d;
}

}  // namespace

TEST_CASE("an AdamW update agrees with its formula in float64 at any size") {
  for (const AdamWCase& c : adamw_cases()) {
    CAPTURE(c.n, c.by_entry);
    AdamWData d = make_adamw_data(c);
    const AdamWExpected expected = expected_adamw(c, d);
    for (int t = 1; t <= kAdamWUpdates; ++t) {
      adamw_update(d.parameters.data(), d.first_moment.data(), d.second_moment.data(),
                   d.gradient.data(), decay_of(d), kUniformDecay, c.n, t, c.gradient_scale,
                   kAdamWTestOptions);
    }
    REQUIRE(adamw_close(d, expected));
  }
}

TEST_CASE("the device's blocks, run on the host, agree with AdamW's formula in any order") {
  for (const AdamWCase& c : adamw_cases()) {
    CAPTURE(c.n, c.by_entry);
    const AdamWData forward = by_blocks(c, Order::kForward);
    REQUIRE(adamw_close(forward, expected_adamw(c, make_adamw_data(c))));
    const AdamWData backward = by_blocks(c, Order::kBackward);
    REQUIRE(forward.parameters == backward.parameters);
    REQUIRE(forward.second_moment == backward.second_moment);
  }
}

TEST_CASE("an update with a zero gradient and no decay leaves a parameter as it is") {
  float p = 1.5f, m = 0, v = 0;
  const float g = 0;
  adamw_update(&p, &m, &v, &g, nullptr, 0.0, 1, 1, 1.0, {});
  REQUIRE(p == 1.5f);
}

}  // namespace tenfold::kernels
