#include "tools/bias-learning/rnn_program.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tools/bias-learning/dynamical_systems.h"

namespace tenfold::bias_learning {
namespace {

RnnOptions options_of(bool full) {
  RnnOptions o;
  o.hidden = 12;
  o.full = full;
  o.seeds = {1, 2};
  o.gains = {0.5, 1.5};
  o.target = van_der_pol(30).target;
  return o;
}

// In float64, from the equations.
double loss_of(const RnnModel& m, const RnnOptions& o, const std::vector<double>& w,
               const std::vector<double>& c, const std::vector<double>& b) {
  const auto n = size_t(o.hidden);
  std::vector<double> r(m.start.begin(), m.start.end()), next(n);
  double loss = 0;
  for (const double y : o.target) {
    double out = 0;
    for (size_t i = 0; i < n; ++i) {
      double u = b[i];
      for (size_t j = 0; j < n; ++j) u += w[i * n + j] * r[j];
      next[i] = 0.9 * r[i] + 0.1 * std::max(u, 0.0);
      out += c[i] * next[i];
    }
    r = next;
    loss += (out - y) * (out - y) / double(o.target.size());
  }
  return loss;
}

}  // namespace

TEST_CASE("gradients through time are those of differences of the loss, of b alone or of all") {
  for (const bool full : {false, true}) {
    const RnnOptions o = options_of(full);
    RnnProgram program(o);
    program.steps(0, 5);
    const RnnModel& m = program.models()[1];
    std::vector<float> d;
    const double loss = program.gradient(m, d);
    std::vector<double> w(m.weight.begin(), m.weight.end()), c(m.readout.begin(), m.readout.end()),
        b(m.bias.begin(), m.bias.end());
    CHECK(loss == Approx(loss_of(m, o, w, c, b)).epsilon(1e-5));
    CHECK(program.run(m).mse == Approx(loss).epsilon(1e-5));
    size_t at = 0;
    const auto compare = [&](std::vector<double>& values) {
      for (double& v : values) {
        const double kept = v;
        v = kept + 1e-6;
        const double above = loss_of(m, o, w, c, b);
        v = kept - 1e-6;
        const double below = loss_of(m, o, w, c, b);
        v = kept;
        CHECK(d[at++] == Approx((above - below) / 2e-6).epsilon(2e-3).margin(1e-5));
      }
    };
    if (full) {
      compare(w);
      compare(c);
    }
    compare(b);
    CHECK(at == d.size());
  }
}

TEST_CASE("gains share the draw of their seed, and a network among others is the one alone") {
  const RnnOptions all = options_of(false);
  RnnOptions one = all;
  one.seeds = {2};
  one.gains = {1.5};
  RnnProgram together(all), alone(one);
  CHECK(together.models()[3].weight[5] / together.models()[2].weight[5] == Approx(3));
  together.steps(0, 40);
  for (int64_t s = 0; s < 40; ++s) alone.step(s);
  CHECK(together.models()[3].bias == alone.models()[0].bias);
  CHECK(together.models()[3].weight == RnnProgram(all).models()[3].weight);  // frozen
  CHECK(together.models()[3].loss < together.models()[3].curve[0]);
}

TEST_CASE("a network that overflows is frozen where it did, and the others go on") {
  RnnOptions o = options_of(false);
  o.gains = {1.5, 1e9};
  RnnProgram program(o);
  program.steps(0, 3);
  CHECK(program.models()[1].diverged);
  CHECK(program.models()[1].diverged_at == 0);
  CHECK(!program.models()[0].diverged);
  CHECK(std::isfinite(program.drain_losses().back().second));
}

}  // namespace tenfold::bias_learning
