#include <catch2/catch.hpp>

#include "common/kernels/cuda_for_test.h"
#include "common/kernels/rate_rnn_cases.h"
#include "common/kernels/rate_rnn_cuda.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {

TEST_CASE("rate networks on the device are those of the recurrence and repeat their bytes") {
  TENFOLD_NEED_CUDA();
  for (const RateProblem& p : rate_problems()) {
    CAPTURE(p.models, p.steps, p.batch, p.units);
    const RateProblem::Arrays<float> arrays(p);
    const OnDevice<float> weight(arrays.weight), bias(arrays.bias), start(arrays.start),
        x(arrays.x);
    RateRnnNetworks<float> networks = arrays.networks(p);
    networks.weight = weight.data();
    networks.bias = p.bias.empty() ? nullptr : bias.data();
    networks.start = p.start.empty() ? nullptr : start.data();
    networks.x = x.data();
    std::vector<float> first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      RateResult<float> r(p);
      const OnDevice<float> states(r.states), slopes(r.slopes), d_u(r.d_u), d_start(r.d_start),
          d_weight(r.d_weight), d_bias(r.d_bias);
      rate_rnn_cuda(networks, states.data(), slopes.data(), nullptr);
      rate_rnn_backward_cuda(networks, slopes.data(), d_u.data(), d_start.data(), nullptr);
      rate_rnn_gradient_cuda(networks, states.data(), d_u.data(), d_weight.data(), d_bias.data(),
                             nullptr);
      r.states = states.host();
      r.d_u = d_u.host();
      r.d_start = d_start.host();
      r.d_weight = d_weight.host();
      r.d_bias = d_bias.host();
      check_rates(p, r, 2e-5);
      if (repeat == 0) first = r.d_weight;
      REQUIRE(r.d_weight == first);
    }
  }
}

}  // namespace tenfold::kernels
