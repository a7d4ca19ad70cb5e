// Reaches of minimum jerk: the movement of a generated session.
#include <algorithm>
#include <cmath>

#include "common/core/philox.h"
#include "tools/poyo-decode/generator.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kReach = 8;          // cm: the radius of CO targets, half the square of RT ones
constexpr double kTargetNoise = 0.3;  // cm
constexpr double kLeastStep = 4;      // cm between RT targets
constexpr int kRandomTargets = 4;
constexpr double kSmoothing = 3;  // samples: the Gaussian's standard deviation, 30 ms
constexpr int kTaps = 12;

// The next numbers of a stream.
class Draws {
 public:
  Draws(uint64_t seed, const std::string& name) : stream_(seed, name) {}

  double uniform(double low, double high) { return low + (high - low) * stream_.uniform(at_++); }
  double normal(double stddev) { return stddev * stream_.normal(at_++); }
  uint64_t below(uint64_t n) { return stream_.below(at_++, n); }

 private:
  Stream stream_;
  uint64_t at_ = 0;
};

int64_t samples_of(double seconds) { return std::lround(seconds / kSampleStep); }
double time_of(int64_t sample) { return static_cast<double>(sample) * kSampleStep; }

// Appends samples to a movement that has room for `size` of them.
class Builder {
 public:
  Builder(Movement& movement, int64_t size) : movement_(movement), size_(size) {}

  bool full() const { return at() >= size_; }
  int64_t at() const { return static_cast<int64_t>(movement_.x.size()); }
  double distance(double x, double y) const { return std::hypot(x - x_, y - y_); }

  void rest(double seconds) {
    for (int64_t k = samples_of(seconds); k > 0; --k) append(x_, y_, 0, 0);
  }

  void move(double x, double y, double seconds) {
    const int64_t k = std::max<int64_t>(2, samples_of(seconds));
    const double from_x = x_, from_y = y_, speed = 1 / time_of(k);
    for (int64_t i = 1; i <= k; ++i) {
      const double tau = static_cast<double>(i) / static_cast<double>(k), t2 = tau * tau;
      const double s = t2 * tau * (10 - 15 * tau + 6 * t2), ds = t2 * (30 - 60 * tau + 30 * t2);
      append(from_x + (x - from_x) * s, from_y + (y - from_y) * s, (x - from_x) * ds * speed,
             (y - from_y) * ds * speed);
    }
    x_ = x;
    y_ = y;
  }

  // From sample `first` to here; cut at the end of the recording.
  void phase(const std::string& name, int64_t first) {
    const int64_t last = std::min(at(), size_);
    if (first < last) movement_.phases[name].push_back({time_of(first), time_of(last)});
  }

  // False where the recording ended before, so that the trial is not listed.
  bool trial(int64_t first, int64_t go) {
    if (at() > size_) return false;
    movement_.trials.intervals.push_back({time_of(first), time_of(at())});
    movement_.trials.go_cue_time.push_back(time_of(go));
    return true;
  }

 private:
  void append(double x, double y, double vx, double vy) {
    movement_.x.push_back(x);
    movement_.y.push_back(y);
    movement_.vx.push_back(vx);
    movement_.vy.push_back(vy);
  }

  Movement& movement_;
  int64_t size_;
  double x_ = 0, y_ = 0;
};

void centre_out_trial(Builder& builder, Draws& draws, Movement& movement) {
  const auto target = static_cast<int64_t>(draws.below(8));
  const double angle = 2 * kPi * static_cast<double>(target) / 8;
  const double x = kReach * std::cos(angle) + draws.normal(kTargetNoise);
  const double y = kReach * std::sin(angle) + draws.normal(kTargetNoise);
  const int64_t start = builder.at();
  builder.rest(draws.uniform(0.4, 0.8));
  const int64_t go = builder.at();
  builder.phase("hold_period", start);
  builder.rest(draws.uniform(0.15, 0.25));
  builder.move(x, y, draws.uniform(0.45, 0.75));
  builder.rest(0.1);
  const int64_t back = builder.at();
  builder.phase("reach_period", go);
  builder.move(0, 0, draws.uniform(0.5, 0.8));
  builder.phase("return_period", back);
  if (builder.trial(start, go)) movement.trials.target_id.push_back(target);
}

void random_target_trial(Builder& builder, Draws& draws) {
  const int64_t start = builder.at();
  builder.rest(draws.uniform(0.2, 0.4));
  const int64_t go = builder.at();
  builder.phase("hold_period", start);
  for (int i = 0; i < kRandomTargets; ++i) {
    double x = 0, y = 0;
    do {
      x = draws.uniform(-kReach, kReach);
      y = draws.uniform(-kReach, kReach);
    } while (builder.distance(x, y) < kLeastStep);
    builder.move(x, y, 0.3 + 0.035 * builder.distance(x, y) + draws.uniform(0, 0.15));
    builder.rest(draws.uniform(0.05, 0.15));
  }
  builder.phase("random_period", go);
  builder.trial(start, go);
}

std::vector<double> smoothed(const std::vector<double>& values) {
  double taps[2 * kTaps + 1], sum = 0;
  for (int k = -kTaps; k <= kTaps; ++k) {
    sum += taps[k + kTaps] = std::exp(-0.5 * k * k / (kSmoothing * kSmoothing));
  }
  const auto n = static_cast<int64_t>(values.size());
  std::vector<double> out(values.size());
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = -kTaps; k <= kTaps; ++k) {
      if (i + k >= 0 && i + k < n) out[i] += taps[k + kTaps] / sum * values[i + k];
    }
  }
  return out;
}

}  // namespace

Movement generate_movement(ReachTask task, double duration, uint64_t seed,
                           const std::string& session) {
  Movement movement;
  const int64_t size = samples_of(duration);
  Builder builder(movement, size);
  Draws draws(seed, session + "/movement");
  while (!builder.full()) {
    if (task == ReachTask::kCentreOut) {
      centre_out_trial(builder, draws, movement);
    } else {
      random_target_trial(builder, draws);
    }
  }
  for (auto* values : {&movement.x, &movement.y, &movement.vx, &movement.vy}) values->resize(size);
  movement.vx = smoothed(movement.vx);
  movement.vy = smoothed(movement.vy);
  return movement;
}

}  // namespace tenfold::poyo_decode
