// Many runs of one task side by side: every (nowcaster, seed) is a member with parameters,
// optimiser, batches and history of its own. Members run in parallel, each on one thread, and wait
// for each other only where the loop asks for something, not after every step. The same thread
// count gives the same bytes; another one changes the last bits of a nowcast.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/data/batch_order.h"
#include "common/train/flat_optimizer.h"
#include "common/train/loop.h"
#include "tools/nino-nowcast/data.h"
#include "tools/nino-nowcast/nowcaster.h"
#include "tools/nino-nowcast/target_net.h"

namespace tenfold::nino_nowcast {

// When to take a snapshot, and when a nowcast replaces the optimiser's step (specification,
// section 4.1).
struct NowcastTiming {
  int64_t period = 1000, ctx = 5;
  std::vector<int64_t> horizons;  // the schedule
  std::optional<int64_t> constant_k;

  int64_t stride() const { return period / ctx; }
  int64_t k_at(int64_t step) const;
};

struct NowcastRecord {
  int64_t step = 0, k = 0;  // `step`: completed steps, the nowcast included
  double seconds = 0, loss_before = 0, loss_after = 0, metric_before = 0, metric_after = 0;
};

struct CurvePoint {
  int64_t step = 0;
  double train_loss = 0, test_loss = 0, test_acc = 0;  // train_loss: mean since the point before
};

struct Member {
  std::string nowcaster;  // "none", "nino", ...
  int64_t seed = 0;
  const Nowcaster* predictor = nullptr;

  at::Tensor params, gradient, buffers;
  std::unique_ptr<train::FlatOptimizer> optimizer;
  at::Tensor history;  // [ctx, P], the first `snapshots` rows are filled
  int64_t snapshots = 0;
  bool active = true;
  int64_t target_step = -1;   // completed steps when the target was reached
  double seconds = 0;         // spent on steps and nowcasts, evaluations apart
  double target_seconds = 0;  // the same when the target was reached
  double loss_sum = 0;        // since the last evaluation
  int64_t loss_count = 0;
  double last_loss = 0;
  std::vector<std::pair<int64_t, double>> new_losses;  // with their steps, until they are drained

  std::unique_ptr<data::BatchOrder> order;  // runs of one seed see the same batches
  at::Tensor x, y;                          // the batch of step `loaded_step`
  int64_t loaded_step = -1;

  std::vector<CurvePoint> curve;
  std::vector<NowcastRecord> nowcasts;

  std::string label() const { return nowcaster + "/" + std::to_string(seed); }
};

struct EnsembleOptions {
  train::OptimizerOptions optimizer;
  int64_t batch_size = 128;
  NowcastTiming timing;
  double target = 100;         // per cent
  bool stop_at_target = true;  // a member that reached it takes no further step
  at::Tensor given_order;      // [steps, batch] int64: training rows of every step, for repeating a
                               // recorded run; undefined: the order of each seed
};

class Ensemble : public train::Program {
 public:
  struct Slot {
    std::string nowcaster;
    int64_t seed;
    const Nowcaster* predictor;  // nullptr for "none"
    at::Tensor initial = {};     // [P]; undefined: drawn from the seed
  };
  Ensemble(const TargetNet& net, const ImageData& data, const std::vector<Slot>& slots,
           EnsembleOptions options);

  void step(int64_t step) override { steps(step, 1); }
  void steps(int64_t first, int64_t count) override;
  int64_t most_steps_at_once() const override;
  std::vector<std::pair<int64_t, double>> drain_losses() override;
  Row evaluate(int64_t done) override;
  bool finished() const override;
  void visit_state(train::Archive& archive) override;
  double score() const override;
  std::string note() const override;

  const std::vector<Member>& members() const { return members_; }

  // Loss and accuracy (0..1) of every member on the test set, and on the batch of step `step`,
  // which a member that did `step` steps has not seen yet.
  struct Scores {
    TargetNet::Score test, batch;
  };
  std::vector<Scores> scores(int64_t step);

 private:
  template <class Body>
  void for_each_active(const Body& body);
  void load_batch(Member& member, int64_t step);
  void step_member(Member& member, int64_t step);
  void nowcast(Member& member, int64_t step);
  void visit_member(train::Archive& archive, Member& member);

  const TargetNet& net_;
  const ImageData& data_;
  EnsembleOptions options_;
  std::vector<Member> members_;
};

}  // namespace tenfold::nino_nowcast
