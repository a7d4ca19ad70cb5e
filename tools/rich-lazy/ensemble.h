// All networks of one call, trained side by side (specification, sections 4 and 9). Those of one
// task and seed see the same trials; nothing else is shared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/train/loop.h"
#include "tools/rich-lazy/measures.h"
#include "tools/rich-lazy/models.h"
#include "tools/rich-lazy/tensor_training.h"

namespace tenfold::rich_lazy {

// Measures at one moment of a training; those that there are not are NaN.
struct Moment {
  int64_t iteration = 0;
  double weight_change_norm = 0, rep_alignment = 0, kernel_alignment = 0, target_alignment = 0,
         sign_similarity = 0, evaluation_loss = 0, decision_accuracy = 0;
};

struct Model {
  ModelKey key;
  Weights initial, weights;
  Optimizer optimizer;
  std::vector<double> losses;  // of every iteration, before its update
  int64_t diverged_at = -1;    // iteration whose loss was not finite; the weights are those before
  std::vector<Moment> along;
};

// An untrained model.
Model make_model(const Setting& setting, const ModelKey& key, Weights initial);
// Everything that it must remember, under its name.
void visit_model(train::Archive& archive, Model& model);

// Of the last min(200, n) iterations; nothing where there are none.
std::optional<double> final_loss(const Model& model);
// The loss log: that of iteration 0, then means over (every (m - 1), every m].
std::vector<double> loss_log(const Model& model, int64_t every);
// The model of each competition with the least mean of its last 20 logged losses, the first of
// equals; none that diverged or whose mean is 10 or more. A rate alone needs no choice.
std::vector<bool> choose_rates(const std::vector<Model>& models, int64_t log_every);

class Ensemble : public train::Program {
 public:
  // With a device the networks are trained there by tensor operators (tensor_training.h), without
  // one by network.h, which is faster on a CPU.
  explicit Ensemble(const Setting& setting, std::optional<at::Device> device = std::nullopt);

  void step(int64_t step) override { steps(step, 1); }
  void steps(int64_t first, int64_t count) override;
  int64_t most_steps_at_once() const override { return 16; }
  // Empty: a network that diverges stops alone.
  std::vector<std::pair<int64_t, double>> drain_losses() override { return {}; }
  Row evaluate(int64_t done) override;
  bool finished() const override { return all_diverged(); }
  void visit_state(train::Archive& archive) override;
  std::string note() const override;

  bool all_diverged() const;
  const std::vector<Model>& models() const { return models_; }

  // Brings the weights from the device; before models() are looked at, unless evaluate or
  // visit_state did.
  void settle();

 private:
  struct Source {
    Task task;
    int64_t seed;
    TrialSource trials;
    std::vector<Trials> drawn;  // of the iterations in work
  };

  // Networks of a task, and the sources that they see, by their place in models_ and sources_.
  struct TensorGroup {
    std::vector<size_t> models, sources;
    TensorTraining training;
  };

  void tensor_steps(int64_t first, int64_t count);

  const Setting& setting_;
  std::vector<TensorGroup> groups_;  // with a device
  enum class Newest { kHost, kDevice, kBoth } newest_ = Newest::kHost;
  std::vector<Source> sources_;
  std::vector<Model> models_;
  std::vector<size_t> source_of_;                                // of each model
  std::vector<std::vector<std::unique_ptr<Network>>> networks_;  // [thread][task]
};

// Measures of every model, on the evaluation trials of its task and seed; nothing for those that
// diverged.
std::vector<std::optional<Measures>> measure_models(const Setting& setting,
                                                    const std::vector<Model>& models);

}  // namespace tenfold::rich_lazy
