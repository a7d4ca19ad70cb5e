#include "tools/bias-learning/rnn_program.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <memory>

#include "tools/bias-learning/forecasting_task.h"
#include "tools/bias-learning/reaching_task.h"
#include "tools/bias-learning/trajectory_task.h"

namespace tenfold::bias_learning {
namespace {

std::shared_ptr<const RnnTask> oscillator(int64_t steps) {
  return trajectory_task(van_der_pol_trajectory(steps, {{2, 0}, 0.1, 400}));
}

RnnOptions options_of(bool full) {
  RnnOptions o;
  o.shape.hidden = 12;
  o.full = full;
  o.seeds = {1, 2};
  o.gains = {0.5, 1.5};
  return o;
}

// Outputs in float64, from the equations; values as RateNetwork lays them out.
std::vector<double> outputs_of(const RateNetwork& net, const Trials& t,
                               const std::vector<double>& values) {
  const NetworkShape& s = net.shape;
  const int64_t n = s.hidden;
  const double *w = values.data(), *in = w + net.input_at(), *c = w + net.readout_at(),
               *b = w + net.bias_at();
  std::vector<double> y(size_t(t.steps * t.batch * s.outputs), 0.0);
  for (int64_t trial = 0; trial < t.batch; ++trial) {
    std::vector<double> r(values.begin() + net.start_at(), values.end()), next(r.size());
    for (int64_t step = 0; step < t.steps; ++step) {
      const int64_t row = step * t.batch + trial;
      for (int64_t i = 0; i < n; ++i) {
        double u = b[i];
        for (int64_t j = 0; j < n; ++j) u += w[i * n + j] * r[size_t(j)];
        for (int64_t k = 0; k < s.inputs; ++k)
          u += in[i * s.inputs + k] *
               double(t.x[size_t((t.constant_input ? trial : row) * s.inputs + k)]);
        next[size_t(i)] = -s.alpha * r[size_t(i)] + s.beta * std::max(u, 0.0);
      }
      r = next;
      for (int64_t o = 0; o < s.outputs; ++o)
        for (int64_t i = 0; i < n; ++i)
          y[size_t(row * s.outputs + o)] += c[o * n + i] * r[size_t(i)];
    }
  }
  return y;
}

// Also with the trials in several parts, where there are several.
void check_gradient(RnnOptions o, const std::shared_ptr<const RnnTask>& task, int64_t parts,
                    const std::function<double(const Trials&, const std::vector<double>&)>& loss) {
  for (const int64_t call : {0, 1, 2}) {
    o.full = call > 0;
    RnnProgram program(o, task);
    program.steps(0, 5);
    const RnnModel& m = program.models()[1];
    RnnProgram::Workspace w(call == 2 ? parts : 1);
    const double found = program.gradient(m, 5, w);
    std::vector<double> values(m.network.values.begin(), m.network.values.end());
    const auto loss_now = [&] { return loss(w.trials, outputs_of(m.network, w.trials, values)); };
    CHECK(found == Approx(loss_now()).epsilon(1e-5));
    const size_t begin = o.full ? 0 : size_t(m.network.bias_at());
    const size_t end = o.train_start ? values.size() : size_t(m.network.start_at());
    CHECK(program.trained_parameters() == int64_t(end - begin));
    for (size_t i = begin; i < end; ++i) {
      const double kept = values[i];
      values[i] = kept + 1e-6;
      const double above = loss_now();
      values[i] = kept - 1e-6;
      const double below = loss_now();
      values[i] = kept;
      CHECK(w.gradient()[i] == Approx((above - below) / 2e-6).epsilon(3e-3).margin(2e-5));
    }
  }
}

double squares(const Trials& t, const std::vector<double>& y, size_t first) {
  double sum = 0;
  for (size_t i = first; i < y.size(); ++i)
    sum += (y[i] - t.target[i]) * (y[i] - t.target[i]) / double(y.size() - first);
  return sum;
}

}  // namespace

TEST_CASE("gradients of a trajectory's loss are its differences, of b, r_0 or everything") {
  RnnOptions o = options_of(false);
  o.train_start = true;
  check_gradient(o, oscillator(30), 1,
                 [](const Trials& t, const auto& y) { return squares(t, y, 0); });
}

TEST_CASE("gradients of a forecast's loss are its differences, windows and settling included") {
  RnnOptions o = options_of(false);
  o.shape.alpha = -0.8;
  o.shape.beta = 0.2;
  const LorenzView view = lorenz_view({{1, 1, 1}, 0.01, 10000});
  check_gradient(o, forecasting_task(view, {54, 3, 27}), 2, [](const Trials& t, const auto& y) {
    return squares(t, y, size_t(kSettling * t.batch));
  });
}

TEST_CASE("gradients of reaching go through the moving mass") {
  RnnOptions o = options_of(false);
  o.shape.alpha = -0.8;
  o.shape.beta = 0.2;
  check_gradient(
      o, reaching_task({15, 4, 0.1}), 3, [](const Trials& t, const std::vector<double>& y) {
        double loss = 0;
        for (int64_t b = 0; b < t.batch; ++b) {
          double p[2] = {}, v[2] = {};
          for (int64_t step = 0; step < t.steps; ++step) {
            for (int k = 0; k < 2; ++k) {
              const double u = y[size_t((step * t.batch + b) * 2 + k)];
              v[k] += 0.1 * u;
              p[k] += 0.1 * v[k];
              const double off = p[k] - t.x[size_t(b * 2 + k)];
              if (step >= t.steps - 10)
                loss += (off * off + 0.1 * v[k] * v[k] + 0.01 * u * u) / double(10 * t.batch);
            }
          }
        }
        return loss;
      });
}

TEST_CASE("gains share the draw of their seed, and a network among others is the one alone") {
  const RnnOptions all = options_of(false);
  RnnOptions one = all;
  one.seeds = {2};
  one.gains = {1.5};
  RnnProgram together(all, oscillator(30)), alone(one, oscillator(30));
  const auto& models = together.models();
  CHECK(models[3].network.values[5] / models[2].network.values[5] == Approx(3));
  CHECK(models[3].network.start()[1] == models[2].network.start()[1]);
  together.steps(0, 40);
  for (int64_t s = 0; s < 40; ++s) alone.step(s);
  CHECK(models[3].network.values == alone.models()[0].network.values);
  const RateNetwork fresh = RnnProgram(all, oscillator(30)).models()[3].network;
  const auto frozen = [](const RateNetwork& net) {
    std::vector<float> v = net.values;
    std::fill_n(v.begin() + net.bias_at(), net.shape.hidden, 0.0f);
    return v;
  };
  CHECK(frozen(models[3].network) == frozen(fresh));
  CHECK(models[3].network.values != fresh.values);
  CHECK(models[3].loss < models[3].curve[0]);
}

TEST_CASE("a rate that falls ends at 0") {
  RnnOptions o = options_of(false);
  o.iterations = 10;
  RnnProgram program(o, oscillator(30));
  program.steps(0, 10);
  const std::vector<float> at_end = program.models()[1].network.values;
  program.step(10);
  CHECK(program.models()[1].network.values == at_end);
}

TEST_CASE("a network that overflows is frozen where it did, and the others go on") {
  RnnOptions o = options_of(false);
  o.gains = {1.5, 1e9};
  RnnProgram program(o, oscillator(30));
  program.steps(0, 3);
  CHECK(program.models()[1].diverged);
  CHECK(program.models()[1].diverged_at == 0);
  CHECK(!program.models()[0].diverged);
  CHECK(std::isfinite(program.drain_losses().back().second));
  o.gains = {1e9};
  RnnProgram none(o, oscillator(30));
  CHECK(!none.finished());
  none.steps(0, 3);
  CHECK(none.finished());
}

}  // namespace tenfold::bias_learning
