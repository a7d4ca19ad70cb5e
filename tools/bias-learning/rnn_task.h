// What a recurrent network is shown, asked for and scored by.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tools/bias-learning/rate_network.h"

namespace tenfold::bias_learning {

using Figures = std::vector<std::pair<std::string, double>>;
using Columns = std::vector<std::pair<std::string, std::vector<double>>>;  // equal lengths

// A network after training, or before it.
struct Measured {
  Figures figures;    // "mse" first
  Columns curve;      // over the steps of a trial: outputs, positions
  Columns sustained;  // Lorenz: errors by steps after the switch
  Trials trial;       // one trial, whose states the Jacobians are taken at
};

class RnnTask {
 public:
  virtual ~RnnTask() = default;

  virtual int64_t inputs() const = 0;
  virtual int64_t outputs() const = 0;
  virtual bool starts_at_zero() const = 0;  // r_0

  // The trials of a training iteration; `out` keeps its memory.
  virtual void trials(uint64_t seed, int64_t iteration, Trials& out) const = 0;
  // Of outputs y [steps, batch, outputs]; writes its gradient, the same shape.
  virtual double loss(const Trials& trials, const float* y, float* d_y) const = 0;

  virtual Measured measure(const RateNetwork& net) const = 0;

  // What a reader should know of the data, and what the outputs are held against.
  virtual Figures facts() const = 0;
  virtual Columns truth() const = 0;
};

}  // namespace tenfold::bias_learning
