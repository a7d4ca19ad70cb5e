// `eval`: R2 of a trained decoder by session.

#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/evaluation.h"
#include "tools/poyo-decode/recordings.h"
#include "tools/poyo-decode/report.h"
#include "tools/poyo-decode/stored_run.h"

namespace tenfold::poyo_decode {

int evaluate_command(const EvalConfig& config, cli::Run& run) {
  const StoredRun stored = open_stored_run(config.checkpoint);
  DatasetOptions data;
  data.normalize_std = stored.config.data.normalize_std;
  data.loss_weights = stored.config.loss_weights;
  const bool own = config.data.data.empty() && config.data.synthetic.empty();
  DataConfig recordings = own ? stored.config.data : config.data;
  if (!config.data.sessions.empty()) recordings.sessions = config.data.sessions;
  const Dataset dataset(load_recordings(recordings), data, stored.units, stored.sessions);
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
  for (int64_t seed : stored.seeds) {
    const Model model = load_model(stored, seed);
    if (scores.empty()) {
      result.model = model_facts(model);
      result.model.emplace_back("checkpoint", stored.checkpoint);
    }
    scores.emplace_back(seed, evaluate(model, dataset, where, options));
  }
  add_scores(result, scores);
  run.emit(result, "eval/1");
  return 0;
}

}  // namespace tenfold::poyo_decode
