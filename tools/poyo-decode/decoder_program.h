// Training of decoders as the one training loop wants it: members of their own weights, labelled
// trials and rates on the same recordings.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/train/data_parallel.h"
#include "common/train/loop.h"
#include "tools/poyo-decode/batch_builder.h"
#include "tools/poyo-decode/evaluation.h"
#include "tools/poyo-decode/model.h"
#include "tools/poyo-decode/schedule.h"
#include "tools/poyo-decode/sparse_lamb.h"
#include "tools/poyo-decode/windows.h"

namespace tenfold::poyo_decode {

struct DecoderOptions {
  ModelSpec model;
  LambOptions lamb;
  ScheduleOptions schedule;
  int64_t batch_size = 128, query_stride = 1, eval_query_stride = 1;
  int64_t micro_batch = 0;  // windows that go through the model together; 0: all of a step
  Sampling sampling = Sampling::kDomain;
  UnitDropout unit_dropout;
  TimeScaling time_scaling;
  bool evaluate_validation = true;
  at::Device device = at::kCPU;
  train::DataParallelGroup* group = nullptr;  // the processes that share every batch; null: none
};

// A row of the training curve.
struct CurvePoint {
  double step = 0, epoch = 0, lr = 0, train_loss = 0, val_r2 = 0;  // NaN where there is none
};

// Where the windows of a decoder may lie, recording by recording: the training domain or its
// trials (section 8), in few-shot learning of the labelled trials alone.
struct Labels {
  int64_t trials = kAllTrials;  // of each recording
  TrialOrder order = TrialOrder::kTime;
};
std::vector<Intervals> training_intervals(const Dataset& dataset, Sampling sampling,
                                          const Labels& labels, uint64_t seed);

constexpr int64_t kAlways = -1;

// What a member of a program starts from.
struct MemberPlan {
  std::string name;  // of its state and its rows, unique: the seed, or SEED/MORE
  uint64_t seed = 0;
  Labels labels;
  double max_lr = 0.004, embedding_lr_mult = 1;
  int64_t frozen_steps = 0;  // only units and sessions learn in the first so many, or kAlways
  std::unique_ptr<Model> model;
};

struct DecoderMember : MemberPlan {
  std::unique_ptr<SparseLamb> optimizer;
  std::unique_ptr<WindowSampler> sampler;
  std::unique_ptr<BatchBuilder> builder;
  bool told_of_collapse = false;
  std::vector<CurvePoint> curve;
  std::vector<std::pair<int64_t, at::Tensor>> pending;  // losses that no one has read yet
  double loss_sum = 0;                                  // since the last row
  int64_t loss_count = 0, tokens = 0, skipped_steps = 0;
  int64_t new_tokens = 0;  // of this process, since the losses were read
};

class DecoderProgram : public train::Program {
 public:
  // Throws DataError naming a session that no training window fits.
  DecoderProgram(const Dataset& dataset, const DecoderOptions& options,
                 std::vector<MemberPlan> plans);

  void step(int64_t step) override { steps(step, 1); }
  void steps(int64_t first, int64_t count) override;
  int64_t most_steps_at_once() const override;
  std::vector<std::pair<int64_t, double>> drain_losses() override;
  Row evaluate(int64_t done) override;
  void visit_state(train::Archive& archive) override;
  double score() const override;
  std::string note() const override;

  const std::vector<DecoderMember>& members() const { return members_; }
  train::DataParallelGroup* group() const { return options_.group; }  // null: trains alone
  // T of the schedule; a run that resumes keeps it.
  void set_steps(int64_t steps) { options_.schedule.steps = steps; }

  // Steps of an epoch of the member that has most windows.
  int64_t steps_per_epoch() const;
  void freeze(size_t member, int64_t steps) { members_[member].frozen_steps = steps; }

  std::vector<SessionScore> scores(const DecoderMember& member, bool test) const;

 private:
  // Of a step's windows: those that this process sees, micro-batch by micro-batch.
  std::vector<train::Share> parts_of_step(const train::Ranks& ranks) const;
  void step_member(DecoderMember& m, int64_t step);

  const Dataset& dataset_;
  DecoderOptions options_;
  std::vector<DecoderMember> members_;
};

}  // namespace tenfold::poyo_decode
