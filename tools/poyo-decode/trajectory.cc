#include "tools/poyo-decode/trajectory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/io/hdf5_writer.h"
#include "tools/poyo-decode/temporaldata_writer.h"

namespace tenfold::poyo_decode {
namespace {

std::optional<double> finite(double value) {
  return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
}

Intervals joined_domains(const std::vector<Trajectory>& all) {
  Intervals domain;
  for (const Trajectory& t : all) domain.insert(domain.end(), t.domain.begin(), t.domain.end());
  return merged(domain);
}

// The trials in each of the intervals; an interval that holds none is one itself.
Intervals trials_in(const Intervals& where, const Intervals& trials) {
  Intervals out;
  for (const Interval& part : where) {
    const size_t before = out.size();
    for (const Interval& trial : trials)
      if (part.start <= trial.start + kFitTolerance && trial.end <= part.end + kFitTolerance)
        out.push_back(trial);
    if (out.size() == before) out.push_back(part);
  }
  return out;
}

log::Series excerpt(const Trajectory& t, const Intervals& trials, int64_t count) {
  log::Series series{"time", {}};
  for (const char* name : {"time", "trial", "scored", "true_x", "true_y", "decoded_x", "decoded_y"})
    series.columns.push_back({name, {}});
  int64_t number = 0;
  for (const Interval& trial : trials) {
    const auto index = [&](double time) {
      return std::lower_bound(t.times.begin(), t.times.end(), time) - t.times.begin();
    };
    const int64_t first = index(trial.start), end = index(trial.end);
    if (first == end) continue;
    if (++number > count) break;
    const int64_t stride = (end - first + kMostSamples - 1) / kMostSamples;
    for (int64_t i = first; i < end; i += stride) {
      const auto k = size_t(i);
      const std::optional<double> row[] = {t.times[k],
                                           double(number),
                                           double(t.scored[k]),
                                           finite(t.truth[2 * k]),
                                           finite(t.truth[2 * k + 1]),
                                           finite(t.decoded[2 * k]),
                                           finite(t.decoded[2 * k + 1])};
      for (size_t c = 0; c < series.columns.size(); ++c) series.columns[c].second.push_back(row[c]);
    }
  }
  return series;
}

}  // namespace

Trajectory trajectory_of(int64_t seed, const Session& session, const Decoded& decoded,
                         const Intervals& where, double normalize_std) {
  Trajectory t;
  t.seed = seed;
  t.session = session.recording.session;
  t.trials = session.recording.trials.intervals;
  t.domain = where;
  for (size_t i = 0; i < decoded.samples.size(); ++i) {
    const auto sample = size_t(decoded.samples[i]);
    t.times.push_back(session.recording.sample_times[sample]);
    t.scored.push_back(session.scored[sample] ? 1 : 0);
    for (size_t c = 0; c < 2; ++c) {
      t.decoded.push_back(float(decoded.prediction[2 * i + c] * normalize_std));
      t.truth.push_back(session.recording.target[2 * sample + c]);
    }
  }
  return t;
}

void write_trajectories(const std::string& path, const std::vector<Trajectory>& all) {
  io::Hdf5Writer writer;
  write_data(writer, "/", {});
  write_intervals(writer, "/domain", joined_domains(all));
  const bool several = std::any_of(all.begin(), all.end(),
                                   [&](const Trajectory& t) { return t.seed != all[0].seed; });
  int64_t last_seed = -1;
  for (const Trajectory& t : all) {
    const std::string above = several ? fmt::format("/seed_{}", t.seed) : "";
    if (several && t.seed != last_seed) {
      write_data(writer, above, {});
      write_intervals(writer, above + "/domain", joined_domains(all));
    }
    last_seed = t.seed;
    std::string name = t.session;
    std::replace(name.begin(), name.end(), '/', '_');
    const std::string group = above + "/" + name, series = group + "/decoded";
    write_data(writer, group, {{"session", t.session}});
    writer.attribute(group, "seed", t.seed);
    write_intervals(writer, group + "/domain", t.domain);
    write_series(writer, series, t.times, t.domain);
    const std::vector<int64_t> pairs = {t.size(), 2};
    writer.write(series + "/vel", std::vector<double>(t.decoded.begin(), t.decoded.end()), pairs);
    writer.write(series + "/true_vel", std::vector<double>(t.truth.begin(), t.truth.end()), pairs);
    writer.write(series + "/scored", t.scored);
    if (t.latency_ms.empty()) continue;
    writer.write(series + "/latency_ms", t.latency_ms);
    writer.write(series + "/cpu_ms", t.cpu_ms);
    writer.write(series + "/since_spike_ms", t.since_spike_ms);
  }
  writer.save(path);
}

void add_excerpts(log::Result& result, const std::vector<Trajectory>& all,
                  const std::vector<Intervals>& where, int64_t count) {
  if (count == 0) return;
  for (size_t i = 0; i < where.size() && int64_t(i) < kMostSessions; ++i) {
    const log::Series series = excerpt(all[i], trials_in(where[i], all[i].trials), count);
    if (!series.columns[0].second.empty())
      result.series.emplace_back("trajectory/" + all[i].session, series);
  }
}

}  // namespace tenfold::poyo_decode
