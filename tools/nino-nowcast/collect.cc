// `collect`: training trajectories of many runs at once.

#include <fmt/format.h>

#include "common/cli/loop_options.h"
#include "common/io/file.h"
#include "common/log/logger.h"
#include "common/train/loop.h"
#include "tools/nino-nowcast/commands.h"
#include "tools/nino-nowcast/ensemble.h"
#include "tools/nino-nowcast/report.h"
#include "tools/nino-nowcast/task.h"
#include "tools/nino-nowcast/training.h"
#include "tools/nino-nowcast/trajectories.h"

namespace tenfold::nino_nowcast {
namespace {

const std::vector<std::string> kMetricNames = {"test_loss", "test_acc", "train_loss", "train_acc"};

// An ensemble of plain runs that stores every state; state i is the network after i * every
// updates.
class Collector : public train::Program {
 public:
  Collector(Ensemble& ensemble, TrajectoryWriter& writer, int64_t every)
      : ensemble_(ensemble), writer_(writer), every_(every) {}

  void step(int64_t step) override { steps(step, 1); }
  void steps(int64_t first, int64_t count) override {
    if (first == 0) record(0);
    ensemble_.steps(first, count);
  }
  int64_t most_steps_at_once() const override { return ensemble_.most_steps_at_once(); }
  std::vector<std::pair<int64_t, double>> drain_losses() override {
    return ensemble_.drain_losses();
  }
  Row evaluate(int64_t done) override { return record(done); }
  std::string note() const override { return fmt::format("state {}", states_); }
  void visit_state(train::Archive& archive) override {
    if (!archive.loading()) writer_.sync();
    ensemble_.visit_state(archive);
    archive.number("states", states_);
  }

 private:
  Row record(int64_t done) {
    const std::vector<Ensemble::Scores> scores = ensemble_.scores(done);
    Row row;
    double accuracy = 0;
    for (size_t r = 0; r < scores.size(); ++r) {
      const Ensemble::Scores& s = scores[r];
      writer_.write(int64_t(r), done / every_, ensemble_.members()[r].params.data_ptr<float>(),
                    {s.test.loss, 100 * s.test.accuracy, s.batch.loss, 100 * s.batch.accuracy});
      accuracy += 100 * s.test.accuracy / double(scores.size());
    }
    states_ = done / every_ + 1;
    row.emplace_back("states", double(states_));
    row.emplace_back("mean/test_acc", accuracy);
    return row;
  }

  Ensemble& ensemble_;
  TrajectoryWriter& writer_;
  int64_t every_, states_ = 0;
};

TrajectoryInfo describe(const CollectConfig& config, const Task& task, const cli::Run& run) {
  TrajectoryInfo info;
  info.name = config.name.empty() ? task.name : config.name;
  info.arch = task.arch;
  info.runs = config.runs;
  info.states = config.task.max_train_steps / config.every + 1;
  info.every = config.every;
  for (int64_t r = 0; r < config.runs; ++r) info.seeds.push_back(run.options().seed[0] + r);
  info.metric_names = kMetricNames;
  info.options_json = run.config_json();
  return info;
}

}  // namespace

int collect(const CollectConfig& config, cli::Run& run) {
  const Task task = resolve_task(config.task, run.options());
  require_cpu(run);
  const TrajectoryInfo info = describe(config, task, run);
  log::Result result;
  result.seeds = info.seeds;
  result.model = {{"task", task.name}, {"num_params", task.arch.num_params()}};
  result.metrics.emplace_back("runs", log::Metric{double(info.runs)});
  result.metrics.emplace_back("states", log::Metric{double(info.states)});
  if (run.options().dry_run) {
    result.data = {{"name", task.data}, {"origin", std::string("real")}};
    run.emit(result, "collect/1");
    return 0;
  }
  const ImageData data = load_images(task.data, config.task.data_dir, task.net.image_size);
  const TargetNet net(task.net);
  EnsembleOptions options;
  options.optimizer = optimizer_options(config.task, task);
  options.batch_size = config.task.batch_size;
  options.stop_at_target = false;
  std::vector<Ensemble::Slot> slots;
  for (int64_t seed : info.seeds) slots.push_back({"none", seed, nullptr});
  Ensemble ensemble(net, data, slots, options);

  train::LoopOptions loop = cli::loop_options(run, config.task.max_train_steps, "collect");
  loop.eval_every = config.every;
  loop.context.arch_json = architecture_to_json(task.arch);
  TrajectoryWriter writer(config.data_out, info, train::will_resume(loop));
  Collector collector(ensemble, writer, config.every);
  const train::Outcome outcome = train::run_loop(collector, loop);
  if (outcome.complete) writer.finish();
  set_outcome(result, outcome);
  result.data = data_facts(data);
  run.emit(result, "collect/1");
  return outcome.exit_code;
}

}  // namespace tenfold::nino_nowcast
