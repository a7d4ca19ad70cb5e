// `decode`: recordings as a stream, one velocity every step from the window before it.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "common/log/logger.h"
#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/replay.h"
#include "tools/poyo-decode/report.h"
#include "tools/poyo-decode/stored_dataset.h"

namespace tenfold::poyo_decode {
namespace {

// The nearest rank.
log::Metric quantile(std::vector<double> values, double share) {
  values.erase(std::remove_if(values.begin(), values.end(), [](double v) { return std::isnan(v); }),
               values.end());
  log::Metric metric;
  metric.unit = "ms";
  metric.higher_is_better = false;
  metric.n = int64_t(values.size());
  if (values.empty()) {
    metric.reason = "the part holds no step";
    return metric;
  }
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(share * double(values.size()));
  metric.value = values[size_t(std::max(1.0, rank)) - 1];
  return metric;
}

// R2 of the parts of a session that training, validation and test saw; `all`: every scored step.
void add_parts(const Session& session, int64_t seed, const Replay& played, log::Table& table) {
  const Recording& r = session.recording;
  const auto value = [](const std::optional<double>& v) {
    return v ? log::Value(*v) : log::Value(nullptr);
  };
  for (const auto& [name, where] :
       {std::pair<const char*, const Intervals*>{"test", &r.test_domain},
        {"valid", &r.valid_domain},
        {"train", &r.train_domain},
        {"all", &r.domain}}) {
    const SessionScore s = score_of(session, played, *where);
    table.rows.push_back(
        {seed, r.session, std::string(name), value(s.r2), value(s.r2_x), value(s.r2_y), s.samples});
  }
}

void add_latencies(log::Result& result, const std::vector<Trajectory>& all) {
  std::vector<double> latency, cpu, since_spike;
  for (const Trajectory& t : all) {
    latency.insert(latency.end(), t.latency_ms.begin(), t.latency_ms.end());
    cpu.insert(cpu.end(), t.cpu_ms.begin(), t.cpu_ms.end());
    since_spike.insert(since_spike.end(), t.since_spike_ms.begin(), t.since_spike_ms.end());
  }
  result.metrics.emplace_back("latency_median_ms", quantile(latency, 0.5));
  result.metrics.emplace_back("latency_p99_ms", quantile(latency, 0.99));
  result.metrics.emplace_back("latency_max_ms", quantile(latency, 1));
  result.metrics.emplace_back("cpu_median_ms", quantile(cpu, 0.5));
  result.metrics.emplace_back("cpu_p99_ms", quantile(cpu, 0.99));
  result.metrics.emplace_back("since_spike_median_ms", quantile(since_spike, 0.5));
  log::Metric steps;
  steps.value = double(latency.size());
  steps.unit = "steps";
  result.metrics.emplace_back("steps", steps);
}

}  // namespace

int decode(const DecodeConfig& config, cli::Run& run) {
  const StoredRun stored = open_stored_run(config.checkpoint);
  const double window = stored.config.model.spec.window;
  if (config.query_offset > window) {
    throw UsageError(fmt::format("--query-offset: found {}, expected at most the window of {} s",
                                 config.query_offset, window));
  }
  const Dataset dataset = stored_dataset(stored, config.data, {});
  ReplayOptions options;
  options.step = config.step;
  options.query_offset = config.query_offset;
  options.start = config.start;
  options.duration = config.duration;
  options.normalize_std = stored.config.data.normalize_std;
  log::Result result;
  result.seeds = stored.seeds;
  result.data = data_facts(dataset);
  result.model = {{"checkpoint", stored.checkpoint}};
  if (run.options().dry_run) {
    run.emit(result, "decode/1");
    return 0;
  }
  std::vector<SeedScores> scores;
  std::vector<Trajectory> trajectories;
  log::Table parts{{"seed", "session", "part", "r2", "r2_x", "r2_y", "n_steps"}, {}};
  for (int64_t seed : stored.seeds) {
    const Model model = load_model(stored, seed);
    scores.emplace_back(seed, std::vector<SessionScore>());
    for (const Session& session : dataset.parts) {
      StreamingDecoder decoder(model, session.unit_rows, session.row, options.query_offset);
      Replay played = replay(session, options, decoder);
      if (played.trajectory.times.empty()) {
        log::warning(
            fmt::format("{}: no step was decoded: no stretch of the recording in --start "
                        "and --duration is as long as the window of {} s",
                        session.recording.session, window));
      }
      played.trajectory.seed = seed;
      scores.back().second.push_back(score_of(session, played, session.recording.test_domain));
      add_parts(session, seed, played, parts);
      trajectories.push_back(std::move(played.trajectory));
    }
  }
  add_scores(result, scores);
  add_latencies(result, trajectories);
  result.tables.emplace_back("parts", parts);
  std::vector<Intervals> tests;
  for (const Session& s : dataset.parts) tests.push_back(s.recording.test_domain);
  add_excerpts(result, trajectories, tests, config.trajectories);
  if (!config.pred_out.empty()) write_trajectories(config.pred_out, trajectories);
  run.emit(result, "decode/1");
  return 0;
}

}  // namespace tenfold::poyo_decode
