#include "common/kernels/rate_rnn.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "common/kernels/blocks_for_test.h"
#include "common/kernels/isa.h"
#include "common/kernels/rate_rnn_blocks.h"
#include "common/kernels/rate_rnn_cases.h"
#include "common/kernels/rate_rnn_isa.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

// A network after the other, as the CPU takes them.
RateResult<float> by_rows(const RateProblem& p, const RateRnnTable& table) {
  const RateProblem::Arrays<float> arrays(p);
  RateResult<float> r(p);
  const int64_t n = p.units, samples = p.batch * n, all = p.steps * samples;
  const RateRnnShape shape{p.steps,        p.batch,       n,
                           float(p.keep),  float(p.rate), float(p.inner),
                           float(p.drive), p.activation};
  for (int64_t m = 0; m < p.models; ++m) {
    const auto of = [&](const std::vector<float>& v, int64_t size) {
      return v.empty() ? nullptr : v.data() + m * size;
    };
    const RateRnnInput input{
        of(arrays.weight, n * n), of(arrays.bias, n), of(arrays.start, samples),
        of(arrays.x, p.x_is_constant ? samples : all), p.x_is_constant ? 0 : samples};
    float *states = r.states.data() + m * all, *slopes = r.slopes.data() + m * all,
          *d_u = r.d_u.data() + m * all;
    table.forward(shape, input, states, slopes);
    table.backward(shape, input, slopes, d_u, r.d_start.data() + m * samples);
    table.weight_gradient(shape, input, states, d_u, r.d_weight.data() + m * n * n);
    table.bias_gradient(shape, d_u, r.d_bias.data() + m * n);
  }
  return r;
}

template <class T>
RateResult<T> by_blocks(const RateProblem& p, Order order) {
  const RateProblem::Arrays<T> arrays(p);
  const RateRnnNetworks<T> networks = arrays.networks(p);
  RateResult<T> r(p);
  run_blocks(RateRnnForwardBlocks<T>{networks, r.states.data(), r.slopes.data()}, order);
  run_blocks(RateRnnBackwardBlocks<T>{networks, r.slopes.data(), r.d_u.data(), r.d_start.data()},
             order);
  run_blocks(RateRnnGradientBlocks<T>{networks, r.states.data(), r.d_u.data(), r.d_weight.data(),
                                      r.d_bias.data()},
             order);
  return r;
}

void check_all(const RateRnnTable& table) {
  for (const RateProblem& p : rate_problems()) {
    CAPTURE(p.models, p.steps, p.batch, p.units);
    check_rates(p, by_rows(p, table), 2e-5);
  }
}

}  // namespace

TEST_CASE("states and gradients of a rate network are those of the recurrence") {
  check_all(kRateRnnAvx2);
}

TEST_CASE("rate networks with AVX-512 are those of the recurrence") {
  if (!use_avx512()) {
    testing::print_skip("no AVX-512 here: its twin is not checked");
    return;
  }
  check_all(kRateRnnAvx512);
}

TEST_CASE("rate networks in blocks are those of the recurrence in float64, in any order") {
  for (const RateProblem& p : rate_problems()) {
    CAPTURE(p.models, p.steps, p.batch, p.units);
    const RateResult<double> r = by_blocks<double>(p, Order::kForward),
                             again = by_blocks<double>(p, Order::kBackward);
    check_rates(p, r, 2e-7);
    CHECK(r.states == again.states);
    CHECK(r.d_weight == again.d_weight);
  }
}

TEST_CASE("rate networks in blocks of float32 are those of the CPU") {
  for (const RateProblem& p : rate_problems()) {
    CAPTURE(p.models, p.steps, p.batch, p.units);
    check_rates(p, by_blocks<float>(p, Order::kForward), 2e-5);
  }
}

TEST_CASE("a unit of a step function is on or off and learns nothing") {
  RateProblem p(1, 4, 2, 9, RateActivation::kHeaviside, false, true, true, false);
  const RateResult<float> r = by_rows(p, kRateRnnAvx2);
  const Doubles states = p.states();
  for (size_t k = 0; k < states.size(); ++k) CHECK(r.states[k] == Approx(states[k]).margin(1e-6));
  for (const float d : r.d_bias) CHECK(d == 0);
}

TEST_CASE("what is no number stays none, so that a loss shows it") {
  RateProblem p(1, 3, 1, 20, RateActivation::kRelu, true, false, true, false);
  p.x[4] = NAN;
  const RateResult<float> r = by_rows(p, kRateRnnAvx2);
  CHECK(std::isnan(r.states[4]));
  CHECK(std::all_of(r.states.end() - 20, r.states.end(), [](float v) { return std::isnan(v); }));
}

}  // namespace tenfold::kernels
