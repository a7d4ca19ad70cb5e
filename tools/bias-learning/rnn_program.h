// Autonomous recurrent networks r_t = -alpha r_{t-1} + beta relu(W r_{t-1} + b), y_t = C r_t, of
// which the biases, or everything, are trained to follow one trajectory; seeds and gains side by
// side (specification, sections 3.3 and 4).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/train/loop.h"
#include "tools/bias-learning/adam.h"

namespace tenfold::bias_learning {

struct RnnOptions {
  int64_t hidden = 100;
  double alpha = -0.9, beta = 0.1, clip = 1, rate = 0.01;
  bool full = false;
  std::vector<uint64_t> seeds;
  std::vector<double> gains;
  std::vector<double> target;  // y_1 .. y_T
};

// One network: weights of its seed (shared by the gains up to their factor), a start of its own.
struct RnnModel {
  uint64_t seed = 0;
  double gain = 0;
  std::vector<float> weight, readout, bias, start;  // [N, N], [N], [N], [N]
  Adam adam;
  bool diverged = false;
  int64_t diverged_at = -1;   // the iteration; the network then stays as it was
  double loss = 0;            // of the newest iteration, before its step
  std::vector<double> curve;  // the loss of every kCurveEvery-th iteration
};

class RnnProgram : public train::Program {
 public:
  static constexpr int64_t kCurveEvery = 10;

  explicit RnnProgram(const RnnOptions& options);

  void step(int64_t step) override;
  void steps(int64_t first, int64_t count) override;  // networks do not wait for each other
  int64_t most_steps_at_once() const override { return 50; }
  std::vector<std::pair<int64_t, double>> drain_losses() override;
  Row evaluate(int64_t done) override;
  void visit_state(train::Archive& archive) override;
  std::string note() const override;

  const std::vector<RnnModel>& models() const { return models_; }
  double seconds_trained() const { return seconds_trained_; }

  struct Run {
    std::vector<double> output;  // y_1 .. y_T
    std::vector<float> last;     // r_T
    double mse = 0;
  };
  // With the given biases in place of the model's own (nullptr: its own).
  Run run(const RnnModel& model, const float* bias = nullptr) const;

  // The loss and its gradient by what is trained: b, or W, C and b one after the other.
  double gradient(const RnnModel& model, std::vector<float>& out) const;

 private:
  void iterate(RnnModel& model, int64_t step);

  RnnOptions options_;
  std::vector<RnnModel> models_;
  std::vector<std::pair<int64_t, double>> losses_;
  double seconds_trained_ = 0;
};

}  // namespace tenfold::bias_learning
