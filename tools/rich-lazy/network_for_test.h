// A network in plain loops and float64, to hold the fused one against.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common/core/philox.h"
#include "tools/rich-lazy/network.h"

namespace tenfold::rich_lazy {

struct PlainNetwork {
  NetworkShape shape;
  std::vector<double> w;  // as Weights::flat

  explicit PlainNetwork(const Weights& weights)
      : shape(weights.shape()), w(weights.flat().begin(), weights.flat().end()) {}

  // Logits [steps, outputs] and states [steps, hidden] of sample b.
  void run(const TrialsView& trials, int64_t b, std::vector<double>& logits,
           std::vector<double>& states) const {
    const int64_t n = shape.hidden;
    const double *recurrent = w.data(), *input = recurrent + n * n,
                 *output = input + n * shape.inputs;
    std::vector<double> h(size_t(n), 0.0), u(size_t(n), 0.0);
    logits.clear();
    states.clear();
    for (int64_t t = 0; t < shape.steps; ++t) {
      for (int64_t i = 0; i < n; ++i) {
        double drive = 0;
        for (int64_t j = 0; j < n; ++j) drive += recurrent[i * n + j] * h[size_t(j)];
        for (int64_t c = 0; c < shape.inputs; ++c)
          drive += input[i * shape.inputs + c] *
                   double(trials.x[(t * trials.batch + b) * shape.inputs + c]);
        u[size_t(i)] = (1 - double(shape.alpha)) * h[size_t(i)] + double(shape.alpha) * drive;
      }
      for (int64_t i = 0; i < n; ++i) h[size_t(i)] = std::max(0.0, u[size_t(i)]);
      states.insert(states.end(), h.begin(), h.end());
      for (int64_t k = 0; k < shape.outputs; ++k) {
        double y = 0;
        for (int64_t j = 0; j < n; ++j) y += output[k * n + j] * h[size_t(j)];
        logits.push_back(y);
      }
    }
  }

  double loss(const TrialsView& trials) const {
    double sum = 0;
    int64_t count = 0;
    std::vector<double> logits, states;
    for (int64_t b = 0; b < trials.batch; ++b) {
      run(trials, b, logits, states);
      for (int64_t t = shape.last_only ? shape.steps - 1 : 0; t < shape.steps; ++t, ++count) {
        double total = 0;
        for (int64_t k = 0; k < shape.outputs; ++k)
          total += std::exp(logits[size_t(t * shape.outputs + k)]);
        sum += std::log(total) -
               logits[size_t(t * shape.outputs + trials.labels[t * trials.batch + b])];
      }
    }
    return sum / double(count);
  }
};

// Random weights of about one over the root of their fan-in, inputs and labels.
struct Sample {
  Weights weights;
  std::vector<float> x;
  std::vector<int64_t> labels;
  TrialsView view{};

  Sample(const NetworkShape& shape, int64_t batch, uint64_t seed = 1)
      : weights(shape),
        x(size_t(shape.steps * batch * shape.inputs)),
        labels(size_t(shape.steps * batch)) {
    Stream(seed, "weights")
        .fill_normal(weights.flat().data(), shape.size(), 0, 1.2 / std::sqrt(double(shape.hidden)));
    Stream(seed, "x").fill_normal(x.data(), int64_t(x.size()), 0, 1);
    const Stream stream(seed, "labels");
    for (size_t i = 0; i < labels.size(); ++i)
      labels[i] = int64_t(stream.below(i, uint64_t(shape.outputs)));
    view = {x.data(), labels.data(), batch};
  }
  Sample(const Sample&) = delete;
};

}  // namespace tenfold::rich_lazy
