// One translator a seed, trained side by side; the best by validation loss is kept beside the last
// (specification, section 4).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/train/flat_optimizer.h"
#include "common/train/loop.h"
#include "tools/samba-align/dataset.h"
#include "tools/samba-align/model.h"
#include "tools/samba-align/training_options.h"
#include "tools/samba-align/translation_metrics.h"

namespace tenfold::samba_align {

struct HistoryPoint {
  double iteration = 0, train_loss = 0, valid_loss = 0, valid_r = 0;
};

struct TranslatorMember {
  uint64_t seed = 0;
  std::unique_ptr<Model> model;
  int64_t hrf_count = 0;  // parameters of the responses, with a learning rate of their own
  std::unique_ptr<train::FlatOptimizer> optimizer, hrf_optimizer;
  at::Tensor best;  // [n] weights of the least validation loss
  int64_t best_iteration = -1;
  double best_loss = 0;
  std::vector<HistoryPoint> history;

  double loss_sum = 0;  // since the last evaluation
  int64_t loss_count = 0;
  std::vector<std::pair<int64_t, at::Tensor>> pending;  // losses that nobody has looked at
};

class TranslatorProgram : public train::Program {
 public:
  TranslatorProgram(const Dataset& dataset, const ModelSpec& spec, const TrainerOptions& options,
                    const std::vector<int64_t>& seeds);

  void step(int64_t step) override { steps(step, 1); }
  void steps(int64_t first, int64_t count) override;
  int64_t most_steps_at_once() const override { return members_.size() == 1 ? 1 : 16; }
  std::vector<std::pair<int64_t, double>> drain_losses() override;
  Row evaluate(int64_t done) override;
  void visit_state(train::Archive& archive) override;
  double score() const override;
  std::string note() const override;

  const std::vector<TranslatorMember>& members() const { return members_; }

 private:
  void step_member(TranslatorMember& m, int64_t step);

  const Dataset& dataset_;
  TrainerOptions options_;
  std::vector<TranslatorMember> members_;
};

struct TranslateOptions {
  bool true_first_frame = false;
  bool dropout = false;    // keeps the three dropouts of evaluation on
  int64_t mc_samples = 0;  // > 0: mean and deviation of so many passes under dropout
  int64_t at_once = 16;    // windows of a pass
};

// The windows of `places` as the model translates them.
Translation translate(const Model& model, const Dataset& dataset,
                      const std::vector<WindowPlace>& places, const TranslateOptions& options);

}  // namespace tenfold::samba_align
