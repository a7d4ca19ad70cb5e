// Training of decoders as the one training loop wants it: one member a seed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
  double max_lr = 0.004, embedding_lr_mult = 1;
  int64_t batch_size = 128, query_stride = 1, eval_query_stride = 1;
  Sampling sampling = Sampling::kDomain;
  UnitDropout unit_dropout;
  bool evaluate_validation = true;
};

// A row of the training curve.
struct CurvePoint {
  double step = 0, epoch = 0, lr = 0, train_loss = 0, val_r2 = 0;  // NaN where there is none
};

struct DecoderMember {
  uint64_t seed = 0;
  std::unique_ptr<Model> model;
  std::unique_ptr<SparseLamb> optimizer;
  std::unique_ptr<WindowSampler> sampler;
  std::unique_ptr<BatchBuilder> builder;
  std::vector<CurvePoint> curve;
  std::vector<std::pair<int64_t, double>> new_losses;
  double loss_sum = 0;  // since the last row
  int64_t loss_count = 0, tokens = 0, skipped_steps = 0;
};

class DecoderProgram : public train::Program {
 public:
  DecoderProgram(const Dataset& dataset, const DecoderOptions& options,
                 const std::vector<int64_t>& seeds);

  void step(int64_t step) override { steps(step, 1); }
  void steps(int64_t first, int64_t count) override;
  int64_t most_steps_at_once() const override;
  std::vector<std::pair<int64_t, double>> drain_losses() override;
  Row evaluate(int64_t done) override;
  void visit_state(train::Archive& archive) override;
  double score() const override;
  std::string note() const override;

  const std::vector<DecoderMember>& members() const { return members_; }
  // T of the schedule; a run that resumes keeps it.
  void set_steps(int64_t steps) { options_.schedule.steps = steps; }

  std::vector<SessionScore> scores(const DecoderMember& member, bool test) const;

 private:
  void step_member(DecoderMember& m, int64_t step);

  const Dataset& dataset_;
  DecoderOptions options_;
  std::vector<DecoderMember> members_;
};

// The intervals that training windows lie in, recording by recording.
std::vector<Intervals> training_intervals(const Dataset& dataset, Sampling sampling);

}  // namespace tenfold::poyo_decode
