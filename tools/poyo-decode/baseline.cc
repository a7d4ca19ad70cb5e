// `baseline`: linear decoders of single sessions, chosen on their valid trials.

#include "common/core/error.h"
#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/linear_decoders.h"
#include "tools/poyo-decode/recordings.h"
#include "tools/poyo-decode/report.h"

namespace tenfold::poyo_decode {

int baseline(const BaselineConfig& config, cli::Run& run) {
  DatasetOptions options;
  options.normalize_std = config.data.normalize_std;
  const Dataset dataset(load_recordings(config.data), options);
  log::Result result;
  result.seeds = run.options().seed;
  result.data = data_facts(dataset);
  result.model = {{"method", config.method}};
  if (run.options().dry_run) {
    run.emit(result, "baseline/1");
    return 0;
  }
  std::vector<SessionScore> scores;
  log::Table chosen{{"session", "trials", "lambda", "valid_r2_bins", "test_r2_bins"}, {}};
  for (const Session& session : dataset.parts) {
    Intervals training = training_trials(session.recording);
    if (config.n_trials && int64_t(training.size()) > *config.n_trials)
      training.resize(size_t(*config.n_trials));
    const LinearScore score = config.method == "wiener"
                                  ? wiener_filter(session, training)
                                  : ridge_decoder(session, training, config.bin.value_or(0));
    const auto value = [](const std::optional<double>& v) {
      return v ? log::Value(*v) : log::Value(nullptr);
    };
    chosen.rows.push_back({session.recording.session, int64_t(training.size()), score.lambda,
                           value(score.valid_r2), value(score.test_r2)});
    scores.push_back(score.test);
  }
  add_scores(result, {{run.options().seed[0], scores}});
  result.tables.emplace_back("chosen", chosen);
  run.emit(result, "baseline/1");
  return 0;
}

}  // namespace tenfold::poyo_decode
