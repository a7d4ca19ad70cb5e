#include "tools/poyo-decode/replay.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace tenfold::poyo_decode {
namespace {

// Samples farther apart are not interpolated between; Flint's lie 100 ms apart.
constexpr double kLargestGap = 0.25;

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

double thread_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * double(now.tv_sec) + 1e-6 * double(now.tv_nsec);
}

// Movement at t from the samples around it in `piece`.
struct Movement {
  std::array<float, 2> velocity = {std::nanf(""), std::nanf("")};
  bool scored = false;

  Movement(const Session& s, const Interval& piece, double t) {
    const std::vector<double>& times = s.recording.sample_times;
    constexpr double kSame = 1e-9;
    auto next = std::lower_bound(times.begin(), times.end(), t - kSame);
    if (next == times.end()) return;
    const bool here = *next <= t + kSame;
    if (!here && next == times.begin()) return;
    const auto before = here ? next : next - 1;
    if (*before < piece.start - kSame || *next >= piece.end || *next - *before > kLargestGap)
      return;
    const auto a = size_t(before - times.begin()), b = size_t(next - times.begin());
    const double part = here ? 0 : (t - *before) / (*next - *before);
    for (size_t c = 0; c < 2; ++c) {
      const double from = s.recording.target[2 * a + c], to = s.recording.target[2 * b + c];
      velocity[c] = float(from + part * (to - from));
    }
    scored = s.scored[a] && s.scored[b];
  }
};

class Player {
 public:
  Player(const Session& session, const ReplayOptions& options, StreamingDecoder& decoder)
      : session_(session), options_(options), decoder_(decoder) {}

  void play(const Interval& piece, Trajectory& out) {
    // Times are multiples of the step from the first one: sums would drift.
    for (int64_t k = 0;; ++k) {
      const double t = piece.start + decoder_.window() + double(k) * options_.step;
      if (t > piece.end + kFitTolerance) break;
      step(piece, t, out);
    }
  }

 private:
  void step(const Interval& piece, double t, Trajectory& out) {
    const Recording& r = session_.recording;
    const auto arrival = Clock::now();
    const double cpu = thread_milliseconds();
    for (; next_ < r.spike_times.size() && r.spike_times[next_] < t; ++next_)
      decoder_.push(r.spike_times[next_], r.spike_units[next_]);
    const std::array<float, 2> v = decoder_.advance(t);
    out.cpu_ms.push_back(thread_milliseconds() - cpu);
    const double latency = milliseconds(Clock::now() - arrival);
    const double query = t - options_.query_offset;
    const Movement movement(session_, piece, query);
    out.times.push_back(query);
    out.scored.push_back(movement.scored ? 1 : 0);
    out.latency_ms.push_back(latency);
    out.since_spike_ms.push_back(next_ == 0 ? std::nan("")
                                            : 1e3 * (t - r.spike_times[next_ - 1]) + latency);
    for (size_t c = 0; c < 2; ++c) {
      out.decoded.push_back(float(v[c] * options_.normalize_std));
      out.truth.push_back(movement.velocity[c]);
    }
  }

  const Session& session_;
  const ReplayOptions& options_;
  StreamingDecoder& decoder_;
  size_t next_ = 0;  // the first spike that has not arrived
};

}  // namespace

Replay replay(const Session& session, const ReplayOptions& options, StreamingDecoder& decoder) {
  constexpr double kForever = std::numeric_limits<double>::infinity();
  const Intervals& domain = session.recording.domain;
  const double start = options.start.value_or(domain.empty() ? 0 : domain[0].start);
  const Interval part{start, options.duration ? start + *options.duration : kForever};
  Replay out;
  out.trajectory.session = session.recording.session;
  out.trajectory.trials = session.recording.trials.intervals;
  out.trajectory.domain = intersection(domain, {part});
  Player player(session, options, decoder);
  for (const Interval& piece : out.trajectory.domain) {
    out.skipped += piece.length() < decoder.window() - kFitTolerance ? 1 : 0;
    player.play(piece, out.trajectory);
  }
  return out;
}

SessionScore score_of(const Session& session, const Replay& replay, const Intervals& where) {
  const Trajectory& t = replay.trajectory;
  std::vector<float> target, prediction;
  for (size_t i = 0; i < t.times.size(); ++i) {
    if (t.scored[i] == 0 || !contains(where, t.times[i])) continue;
    target.insert(target.end(), {t.truth[2 * i], t.truth[2 * i + 1]});
    prediction.insert(prediction.end(), {t.decoded[2 * i], t.decoded[2 * i + 1]});
  }
  SessionScore s;
  s.session = t.session;
  s.task = session.recording.task;
  s.samples = int64_t(target.size() / 2);
  s.windows = t.size();
  s.skipped_intervals = replay.skipped;
  s.r2_x = r2_of(target, prediction, 0);
  s.r2_y = r2_of(target, prediction, 1);
  if (s.r2_x && s.r2_y) s.r2 = (*s.r2_x + *s.r2_y) / 2;
  return s;
}

}  // namespace tenfold::poyo_decode
