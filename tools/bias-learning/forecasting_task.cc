#include "tools/bias-learning/forecasting_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "tools/bias-learning/trajectory_task.h"

namespace tenfold::bias_learning {
namespace {

constexpr int64_t kReported[] = {1, 27, 54, 100, 200, 400};

class ForecastingTask : public RnnTask {
 public:
  ForecastingTask(const LorenzView& view, const ForecastOptions& options)
      : signal_(view.signal), half_width_(view.half_width), o_(options) {
    const int64_t last = kLorenzTraining + kTestApart * (kTestWindows - 1);
    const int64_t longest = kLorenzSamples - last - std::max(kSustained, o_.tau);
    if (o_.steps <= kSettling || o_.steps > longest)
      throw UsageError(fmt::format("--steps: found {}, expected {} to {} for lorenz", o_.steps,
                                   kSettling + 1, longest));
    if (o_.tau >= o_.steps)
      throw UsageError(
          fmt::format("--tau: found {}, expected less than --steps, {}", o_.tau, o_.steps));
    std::vector<int64_t> starts;
    for (int64_t j = 0; j < kTestWindows; ++j) starts.push_back(kLorenzTraining + kTestApart * j);
    fill(starts, test_);
    std::vector<double> scored(test_.target.begin() + kSettling * kTestWindows, test_.target.end());
    variance_ = variance(scored);
  }

  int64_t inputs() const override { return 1; }
  int64_t outputs() const override { return 1; }
  bool starts_at_zero() const override { return true; }

  void trials(uint64_t seed, int64_t iteration, Trials& out) const override {
    const Stream stream(seed, "windows", uint64_t(iteration));
    std::vector<int64_t> starts;
    for (int64_t b = 0; b < o_.batch; ++b)
      starts.push_back(
          int64_t(stream.below(uint64_t(b), uint64_t(kLorenzTraining - o_.steps - o_.tau))));
    fill(starts, out);
  }

  double loss(const Trials& trials, const float* y, float* d_y) const override {
    return mean_squared_error(trials, 1, kSettling, y, d_y);
  }

  Measured measure(const RateNetwork& net) const override {
    NetworkBuffers buffers;
    run_network(net, test_, buffers);
    std::vector<float> d(buffers.y.size());
    const double mse = loss(test_, buffers.y.data(), d.data());
    Measured out;
    out.figures = {{"mse", mse}, {"nmse", mse / variance_}, {"r2", 1 - mse / variance_}};
    sustain(net, buffers, out);
    out.trial.steps = o_.steps;
    for (int64_t t = 0; t < o_.steps; ++t) out.trial.x.push_back(test_.x[size_t(t * kTestWindows)]);
    return out;
  }

  Figures facts() const override {
    double persistence = 0, count = 0;
    for (int64_t i = kSettling * kTestWindows; i < o_.steps * kTestWindows; ++i, ++count) {
      const double error = double(test_.x[size_t(i)]) - test_.target[size_t(i)];
      persistence += error * error;
    }
    return {{"target_variance", variance_},
            {"autocorrelation_half_width", double(half_width_)},
            {"tau", double(o_.tau)},
            {"nmse_of_repeating_the_input", persistence / count / variance_}};
  }

  Columns truth() const override {
    std::vector<double> target;
    for (int64_t t = 0; t < o_.steps + kSustained; ++t)
      target.push_back(signal_[size_t(kLorenzTraining + t)]);
    return {{"target", target}};
  }

 private:
  void fill(const std::vector<int64_t>& starts, Trials& out) const {
    const auto batch = int64_t(starts.size());
    out.steps = o_.steps;
    out.batch = batch;
    out.x.resize(size_t(o_.steps * batch));
    out.target.resize(out.x.size());
    for (int64_t t = 0; t < o_.steps; ++t) {
      for (int64_t b = 0; b < batch; ++b) {
        const int64_t at = starts[size_t(b)] + t;
        out.x[size_t(t * batch + b)] = float(signal_[size_t(at)]);
        out.target[size_t(t * batch + b)] = float(signal_[size_t(at + o_.tau)]);
      }
    }
  }

  // From the states and outputs of the test windows in standard mode on.
  void sustain(const RateNetwork& net, const NetworkBuffers& standard, Measured& out) const {
    const int64_t n = net.shape.hidden, windows = kTestWindows;
    std::vector<float> outputs = standard.y;  // [step, window], of all steps so far
    std::vector<float> states(standard.states.end() - windows * n, standard.states.end());
    std::vector<int64_t> horizon(size_t(windows), kSustained + 1);
    std::vector<double> errors, first_window;
    for (int64_t t = 0; t < o_.steps; ++t)
      first_window.push_back(signal_[size_t(kLorenzTraining + t)]);
    NetworkBuffers buffers;
    Trials now;
    now.steps = 1;
    now.batch = windows;
    for (int64_t k = 0; k < kSustained; ++k) {
      const int64_t t = o_.steps + k;
      const float* made = outputs.data() + (t - o_.tau) * windows;
      now.x.assign(made, made + windows);
      double squares = 0;
      for (int64_t j = 0; j < windows; ++j) {
        const double error =
            now.x[size_t(j)] - signal_[size_t(kLorenzTraining + kTestApart * j + t)];
        squares += error * error / double(windows);
        // Not (|error| <= 1), so that a forecast that is not finite ends the horizon.
        if (!(std::abs(error) <= 1) && horizon[size_t(j)] > kSustained) horizon[size_t(j)] = k + 1;
      }
      errors.push_back(squares);
      first_window.push_back(now.x[0]);
      run_network(net, now, buffers, states.data());
      states = buffers.states;
      outputs.insert(outputs.end(), buffers.y.begin(), buffers.y.end());
    }
    for (const int64_t k : kReported)
      out.figures.emplace_back(fmt::format("self_sustained_mse_{}", k), errors[size_t(k - 1)]);
    for (const int64_t k : kReported)
      out.figures.emplace_back(fmt::format("self_sustained_r2_{}", k),
                               1 - errors[size_t(k - 1)] / variance_);
    std::sort(horizon.begin(), horizon.end());
    out.figures.emplace_back("horizon",
                             0.5 * double(horizon[(windows - 1) / 2] + horizon[windows / 2]));
    out.curve = {{"output", first_window}};
    out.sustained = {{"mse", errors}};
  }

  std::vector<double> signal_;
  int64_t half_width_;
  ForecastOptions o_;
  double variance_ = 0;
  Trials test_;
};

}  // namespace

LorenzView lorenz_view(const Integration& how) {
  LorenzView out;
  out.states = lorenz(kLorenzSamples, how);
  out.signal = column(out.states, 0);
  const Standard s = standard_of(out.signal, kLorenzTraining);
  for (double& x : out.signal) x = (x - s.mean) / s.deviation;
  out.half_width = autocorrelation_half_width(out.signal);
  return out;
}

std::unique_ptr<RnnTask> forecasting_task(const LorenzView& view, const ForecastOptions& options) {
  return std::make_unique<ForecastingTask>(view, options);
}

}  // namespace tenfold::bias_learning
