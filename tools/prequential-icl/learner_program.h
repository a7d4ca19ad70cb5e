// Meta-training as the one training loop wants it: one member a seed, each with its own tasks,
// weights and batches. Members run in parallel and equal their single runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/data/batch_order.h"
#include "common/train/flat_optimizer.h"
#include "common/train/loop.h"
#include "tools/prequential-icl/evaluation.h"
#include "tools/prequential-icl/task_source.h"

namespace tenfold::prequential_icl {

struct LearnerOptions {
  ModelSpec model;
  bool train_risk = false;
  int64_t min_train_samples = 1, loss_from = 0, batch_size = 256, degree = -1;
  int64_t shortest = 0, longest = 0;  // --context-length; 0: whole sequences
  int64_t oracle_sequences = 0;       // hmm: compared with exact Bayes at every evaluation
  double lr = 1e-4;
};

// A row of the training curve: means over contexts on the first validation tasks.
struct TrainingPoint {
  double epoch = 0, loss_train = 0, loss_next = 0, loss_ood = 0, kl_to_oracle = 0,
         kl_from_oracle = 0;  // NaN where there is none
};

struct LearnerMember {
  uint64_t seed = 0;
  RunData source;
  std::unique_ptr<Learner> learner;
  std::unique_ptr<train::FlatOptimizer> optimizer;
  std::unique_ptr<data::BatchOrder> order;
  std::unique_ptr<Batcher> training, validation;
  at::Tensor oracle_log_p;  // see EvaluationOptions
  std::vector<TrainingPoint> curve;
  std::vector<std::pair<int64_t, at::Tensor>> pending;  // losses that nobody has read yet
  std::vector<std::pair<int64_t, double>> new_losses;
  double last_loss = 0;

  void settle();  // reads the pending losses, which waits for the device
};

class LearnerProgram : public train::Program {
 public:
  // `config` is resolved; one member for each of `seeds`.
  LearnerProgram(const TaskConfig& task, const LearnerOptions& options,
                 const std::vector<int64_t>& seeds, at::Device device);

  void step(int64_t step) override { steps(step, 1); }
  void steps(int64_t first, int64_t count) override;
  int64_t most_steps_at_once() const override;
  std::vector<std::pair<int64_t, double>> drain_losses() override;
  Row evaluate(int64_t done) override;
  void visit_state(train::Archive& archive) override;
  double score() const override;
  std::string note() const override;

  const std::vector<LearnerMember>& members() const { return members_; }
  const DataShape& shape() const { return members_[0].source.data.shape; }
  const LearnerOptions& options() const { return options_; }
  Contexts contexts() const;
  int64_t steps_per_epoch() const { return members_[0].order->steps_per_epoch(); }
  int64_t tokens_per_epoch() const;

  // The evaluation of a member on its validation tasks, as `eval` makes it; `max_tasks` 0: on all.
  Evaluation evaluation(const LearnerMember& member, int64_t max_tasks) const;

 private:
  void step_member(LearnerMember& member, int64_t step);
  at::Tensor loss_of(const LearnerMember& member, const Batch& batch, int64_t step) const;
  // 1 where a context of a sequence cut to a random length is trained: [batch, contexts].
  at::Tensor length_mask(const LearnerMember& member, const Batch& batch, const Contexts& contexts,
                         int64_t step) const;
  EvaluationOptions evaluation_options(const LearnerMember& member) const;

  LearnerOptions options_;
  std::vector<LearnerMember> members_;
};

// The model that `options` describe for data of this shape; `n_samples` > min_train_samples.
ModelSpec fitted_spec(ModelSpec spec, const DataShape& shape);

}  // namespace tenfold::prequential_icl
