// Recurrent networks of which the biases, or everything, are trained on one task; seeds and gains
// side by side (specification, sections 3.3 and 4).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/train/loop.h"
#include "tools/bias-learning/adam.h"
#include "tools/bias-learning/rnn_task.h"

namespace tenfold::bias_learning {

struct RnnOptions {
  NetworkShape shape;  // inputs and outputs are the task's
  NetworkDraw draw;    // start 0 where the task begins at zero
  double clip = 1, rate = 0.01;
  int64_t iterations = 0;  // over which the rate falls linearly to 0; 0: it stays
  bool full = false, train_start = false;
  std::vector<uint64_t> seeds;
  std::vector<double> gains;
};

struct RnnModel {
  RateNetwork network;
  Adam adam;
  bool diverged = false;
  int64_t diverged_at = -1;   // the iteration; the network then stays as it was
  double loss = 0;            // of the newest iteration, before its step
  std::vector<double> curve;  // the loss of every kCurveEvery-th iteration
};

class RnnProgram : public train::Program {
 public:
  static constexpr int64_t kCurveEvery = 10;

  RnnProgram(const RnnOptions& options, std::shared_ptr<const RnnTask> task);

  void step(int64_t step) override;
  void steps(int64_t first, int64_t count) override;  // networks do not wait for each other
  int64_t most_steps_at_once() const override { return 50; }
  std::vector<std::pair<int64_t, double>> drain_losses() override;
  Row evaluate(int64_t done) override;
  void visit_state(train::Archive& archive) override;
  std::string note() const override;
  bool finished() const override { return all_diverged(); }

  bool all_diverged() const;

  const std::vector<RnnModel>& models() const { return models_; }
  const RnnTask& task() const { return *task_; }
  int64_t trained_parameters() const { return trained_end_ - trained_at_; }
  double seconds_trained() const { return seconds_trained_; }

  // Kept between steps. Of several parts each takes some of the trials, in a thread of its own.
  struct Workspace {
    explicit Workspace(int64_t count) : parts(static_cast<size_t>(count)) {}
    Trials trials;
    std::vector<float> y, d_y;  // of all trials, where there are several parts
    struct Part {
      int64_t first = 0;
      Trials trials;
      NetworkBuffers buffers;
    };
    std::vector<Part> parts;

    const std::vector<float>& gradient() const { return parts[0].buffers.gradient; }
  };
  // The loss of an iteration; its gradient, laid out as the network's values, where something is
  // trained, is then in the workspace.
  double gradient(const RnnModel& model, int64_t iteration, Workspace& workspace) const;

 private:
  double split_gradient(const RateNetwork& net, Workspace& workspace) const;
  void iterate(RnnModel& model, int64_t iteration, Workspace& workspace) const;

  RnnOptions options_;
  std::shared_ptr<const RnnTask> task_;
  int64_t trained_at_ = 0, trained_end_ = 0;  // of a network's values
  std::vector<RnnModel> models_;
  // One a thread, or, of fewer networks than threads, one whose parts share the threads.
  std::vector<Workspace> workspaces_;
  std::vector<std::pair<int64_t, double>> losses_;
  double seconds_trained_ = 0;
};

}  // namespace tenfold::bias_learning
