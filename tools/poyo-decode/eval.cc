// `eval`: R2 of a trained decoder by session.

#include "common/nn/torch_device.h"
#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/evaluation.h"
#include "tools/poyo-decode/report.h"
#include "tools/poyo-decode/stored_dataset.h"
#include "tools/poyo-decode/trajectory.h"

namespace tenfold::poyo_decode {

int evaluate_command(const EvalConfig& config, cli::Run& run) {
  const StoredRun stored = open_stored_run(config.checkpoint);
  SpikeControls controls;
  controls.shuffle_units = config.shuffle_units;
  controls.jitter = config.spike_jitter / 1e3;
  controls.bin = config.bin_spikes / 1e3;
  controls.seed = uint64_t(run.options().seed.front());
  const Dataset dataset = stored_dataset(stored, config.data, controls);
  std::vector<Intervals> where;
  for (const Session& s : dataset.parts) {
    where.push_back(config.split == "valid" ? s.recording.valid_domain : s.recording.test_domain);
  }
  EvaluationOptions options;
  options.query_stride = config.eval_query_stride;
  options.drop_spikes = config.drop_spikes;
  log::Result result;
  result.seeds = stored.seeds;
  result.data = data_facts(dataset);
  result.data.emplace_back("split", config.split);
  std::vector<SeedScores> scores;
  std::vector<Trajectory> trajectories;
  for (int64_t seed : stored.seeds) {
    const Model model = load_model(stored, seed, nn::torch_device(run.device()));
    if (scores.empty()) {
      result.model = model_facts(model);
      result.model.emplace_back("checkpoint", stored.checkpoint);
    }
    scores.emplace_back(seed, evaluate(model, dataset, where, options));
    for (size_t i = 0; i < where.size(); ++i) {
      trajectories.push_back(trajectory_of(seed, dataset.parts[i], scores.back().second[i].decoded,
                                           where[i], stored.config.data.normalize_std));
    }
  }
  add_scores(result, scores);
  add_excerpts(result, trajectories, where, config.trajectories);
  if (!config.pred_out.empty()) write_trajectories(config.pred_out, trajectories);
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::poyo_decode
