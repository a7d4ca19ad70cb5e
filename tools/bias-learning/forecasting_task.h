// The Lorenz system seen through its x, forecast `tau` samples ahead (specification, section 2.2).
#pragma once

#include <memory>

#include "tools/bias-learning/dynamical_systems.h"
#include "tools/bias-learning/rnn_task.h"

namespace tenfold::bias_learning {

constexpr int64_t kLorenzSamples = 60000, kLorenzTraining = 50000;
constexpr int64_t kSettling = 50;  // first outputs of a window, which carry no loss
constexpr int64_t kTestWindows = 30, kTestApart = 300;
constexpr int64_t kSustained = 400;  // steps on the network's own forecasts

// Standardised by the mean and deviation of the training samples.
struct LorenzView {
  std::vector<double> signal;  // [kLorenzSamples]
  Rows states;
  int64_t half_width = 0;  // of the signal's autocorrelation, in samples
};
LorenzView lorenz_view(const Integration& how);

struct ForecastOptions {
  int64_t steps = 200, batch = 32, tau = 27;
};

// Standard mode: windows of `steps` samples; after sample t, y is held against sample t + tau.
// Self-sustained mode: `steps` samples, then for kSustained more the input is the forecast made tau
// steps before. Figures: mse and nmse in standard mode; mean squared errors of that input so many
// steps after the switch, and the median first step at which it is off by more than a deviation.
// Throws UsageError where the windows do not fit.
std::unique_ptr<RnnTask> forecasting_task(const LorenzView& view, const ForecastOptions& options);

}  // namespace tenfold::bias_learning
