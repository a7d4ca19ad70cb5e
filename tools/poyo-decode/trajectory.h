// A decoded movement beside the true one: as a file that the official library reads, and as an
// excerpt in a result.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/log/result.h"
#include "tools/poyo-decode/dataset.h"
#include "tools/poyo-decode/evaluation.h"

namespace tenfold::poyo_decode {

struct Trajectory {
  int64_t seed = 0;
  std::string session;
  Intervals trials;             // of the recording
  Intervals domain;             // where it was decoded
  std::vector<double> times;    // [n] seconds, ascending
  std::vector<float> decoded;   // [n, 2] in the file's unit of velocity
  std::vector<float> truth;     // [n, 2] likewise; NaN where the movement is not known
  std::vector<int64_t> scored;  // [n] 1: counts in R2
  // Of a stream, else empty: [n] milliseconds from the arrival of the step's spikes to the output,
  // of the calling thread's processor time meanwhile, and from the last spike's own time to the
  // output.
  std::vector<double> latency_ms, cpu_ms, since_spike_ms;

  int64_t size() const { return int64_t(times.size()); }
};

// What an evaluation decoded in `where`. `normalize_std` as in DatasetOptions.
Trajectory trajectory_of(int64_t seed, const Session& session, const Decoded& decoded,
                         const Intervals& where, double normalize_std);

// One "Data" group a session (below one a seed, seed_N, where there are several) with an
// "IrregularTimeSeries" `decoded`: timestamps, vel, true_vel, scored, and a stream's latency_ms,
// cpu_ms and since_spike_ms. Throws CannotCreate, IoError.
void write_trajectories(const std::string& path, const std::vector<Trajectory>& trajectories);

// Series `trajectory/SESSION` of the first seed's sessions, at most kMostSessions of them: the
// first `count` trials in `where` [sessions] that were decoded, at most kMostSamples samples each.
constexpr int64_t kMostSessions = 16, kMostSamples = 250;
void add_excerpts(log::Result& result, const std::vector<Trajectory>& trajectories,
                  const std::vector<Intervals>& where, int64_t count);

}  // namespace tenfold::poyo_decode
