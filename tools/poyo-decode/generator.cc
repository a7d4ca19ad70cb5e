#include "tools/poyo-decode/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kVelocityScale = 20, kPositionScale = 8;  // cm/s, cm
constexpr double kHighestRate = 150;                       // Hz
constexpr double kVelocityNoise = 0.3;                     // cm/s, of the stored velocity
constexpr double kDriftStep = 10;                          // seconds
constexpr double kDailyTurn = 0.2;                         // rad, of a pool's neurons
constexpr double kSpikeStep = 0.001;                       // seconds

using Spike = std::pair<double, int32_t>;  // time, unit

void check(const GeneratorOptions& o) {
  const auto range = [](const char* option, double found, double low, double high) {
    if (found >= low && found <= high) return;
    throw UsageError(fmt::format("--{}: found {}, expected {} to {}", option, found, low, high));
  };
  range("units", static_cast<double>(o.units), 1, 1e5);
  range("duration", o.duration, 1, 1e6);
  range("gain", o.gain, 0, 100);
  range("untuned", o.untuned, 0, 1);
  range("multi-units", o.multi_units, 0, 1);
  range("pool", static_cast<double>(o.pool), 0, 1e5);
  range("dilation", o.dilation, 0, 1e6);
}

Neuron draw_neuron(uint64_t seed, const std::string& name) {
  const Stream s(seed, name);
  const auto exponential = [&](uint64_t i) { return -std::log(1 - s.uniform(i)); };
  Neuron n{};
  n.base = 2 + 10 * s.uniform(0);
  n.depth = 0.35 * (exponential(1) + exponential(2));  // Gamma of shape 2
  n.direction = 2 * kPi * s.uniform(3);
  n.speed_weight = 0.2 + 0.3 * s.normal(4);
  n.weight_x = 0.25 * s.normal(5);
  n.weight_y = 0.25 * s.normal(6);
  n.lag = 0.10 + 0.03 * s.normal(7);
  n.refractory = 0.002 + 0.002 * s.uniform(8);
  return n;
}

std::vector<double> draw_drift(double duration, uint64_t seed, const std::string& session) {
  const Stream s(seed, session + "/drift");
  const auto n = static_cast<uint64_t>(duration / kDriftStep) + 2;
  std::vector<double> out(n);
  double sum = 0;
  for (uint64_t k = 0; k < n; ++k) {
    sum += s.normal(k);
    out[k] = 1 + 0.1 * sum / std::sqrt(static_cast<double>(n));
  }
  return out;
}

// Place and weight in a list of equally distant values, held constant beyond its ends.
struct Between {
  Between(double place, size_t size) {
    const double last = static_cast<double>(size - 1), p = std::clamp(place, 0.0, last);
    at = std::min(static_cast<size_t>(p), size - 1);
    next = std::min(at + 1, size - 1);
    weight = p - static_cast<double>(at);
  }
  double of(const std::vector<double>& v) const { return v[at] + weight * (v[next] - v[at]); }

  size_t at, next;
  double weight;
};

// The part of a neuron's drive that is linear in the movement, at its samples.
std::vector<double> linear_drive(const Neuron& neuron, const Movement& m, double gain) {
  const double along_x = gain * neuron.depth * std::cos(neuron.direction) / kVelocityScale;
  const double along_y = gain * neuron.depth * std::sin(neuron.direction) / kVelocityScale;
  const double to_x = neuron.weight_x / kPositionScale, to_y = neuron.weight_y / kPositionScale;
  std::vector<double> out(m.x.size());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = along_x * m.vx[i] + along_y * m.vy[i] + to_x * m.x[i] + to_y * m.y[i];
  }
  return out;
}

// Which neurons a session records: their numbers, and their law on that day.
std::vector<std::pair<int64_t, Neuron>> neurons_of(const GeneratorOptions& o, uint64_t seed,
                                                   const std::string& session) {
  std::vector<std::pair<int64_t, Neuron>> out;
  if (o.pool == 0) {
    for (int64_t k = 0; k < o.units; ++k) {
      out.emplace_back(k, draw_neuron(seed, fmt::format("{}/neuron/{}", session, k)));
    }
    return out;
  }
  const Stream day(seed, session + "/day");
  const double fraction = 0.6 + 0.2 * Stream(seed, session + "/seen").uniform(0);
  const auto seen = std::max<int64_t>(1, std::lround(fraction * static_cast<double>(o.pool)));
  for (const int64_t k : Stream(seed, session + "/pool").sample_sorted(o.pool, seen)) {
    Neuron n = draw_neuron(seed, fmt::format("{}/neuron/{}", o.subject, k));
    n.direction += kDailyTurn * day.normal(static_cast<uint64_t>(k));
    out.emplace_back(k, n);
  }
  return out;
}

// Spikes of a unit, which may be several neurons that were not told apart.
std::vector<double> unit_spikes(const GeneratorOptions& o, Neuron neuron, const Movement& movement,
                                const std::vector<double>& drift, uint64_t seed,
                                const std::string& name) {
  const Stream kind(seed, name + "/kind");
  if (kind.uniform(0) < o.untuned) {
    neuron.depth = neuron.speed_weight = neuron.weight_x = neuron.weight_y = 0;
  }
  std::vector<double> times = generate_spikes(neuron, movement, o.gain, drift, seed, name);
  if (kind.uniform(1) >= o.multi_units) return times;
  const uint64_t others = 1 + kind.below(2, 3);
  for (uint64_t i = 0; i < others; ++i) {
    const std::string other = fmt::format("{}/other/{}", name, i);
    const std::vector<double> more =
        generate_spikes(draw_neuron(seed, other), movement, o.gain, drift, seed, other);
    times.insert(times.end(), more.begin(), more.end());
  }
  std::sort(times.begin(), times.end());
  return times;
}

void add_spikes(const GeneratorOptions& o, const Movement& movement, uint64_t seed,
                Recording& recording) {
  const std::vector<double> drift = draw_drift(o.duration, seed, recording.session);
  std::vector<Spike> spikes;
  for (const auto& [number, neuron] : neurons_of(o, seed, recording.session)) {
    const auto unit = static_cast<int32_t>(recording.units.size());
    recording.units.push_back(fmt::format("{}/u{}", recording.session, number));
    for (const double t : unit_spikes(o, neuron, movement, drift, seed, recording.units.back())) {
      if (t < o.duration) spikes.emplace_back(t, unit);
    }
  }
  std::sort(spikes.begin(), spikes.end());
  for (const auto& [time, unit] : spikes) {
    recording.spike_times.push_back(time);
    recording.spike_units.push_back(unit);
  }
}

void add_samples(const Movement& movement, uint64_t seed, Recording& recording) {
  const Stream noise(seed, recording.session + "/noise");
  for (size_t i = 0; i < movement.x.size(); ++i) {
    recording.sample_times.push_back(static_cast<double>(i) * kSampleStep);
    for (const double v : {movement.vx[i], movement.vy[i]}) {
      const double measured = v + kVelocityNoise * noise.normal(recording.target.size());
      recording.target.push_back(static_cast<float>(measured));
    }
    recording.position.push_back(static_cast<float>(movement.x[i]));
    recording.position.push_back(static_cast<float>(movement.y[i]));
  }
}

Intervals chosen(const Intervals& trials, const std::vector<int64_t>& order, size_t first,
                 size_t last) {
  Intervals out;
  for (size_t i = first; i < last; ++i) out.push_back(trials[order[i]]);
  std::sort(out.begin(), out.end(),
            [](const Interval& a, const Interval& b) { return a.start < b.start; });
  return out;
}

}  // namespace

std::vector<double> generate_spikes(const Neuron& neuron, const Movement& m, double gain,
                                    const std::vector<double>& drift, uint64_t seed,
                                    const std::string& name) {
  const Stream draws(seed, name + "/spikes"), jitter(seed, name + "/jitter");
  const std::vector<double> linear = linear_drive(neuron, m, gain);
  const double speed = neuron.speed_weight / kVelocityScale;
  const auto steps = static_cast<uint64_t>(
      std::lround(static_cast<double>(m.x.size()) * kSampleStep / kSpikeStep));
  uint64_t word = 0;  // a draw of 32 bits for each of two steps
  std::vector<double> times;
  for (uint64_t k = 0; k < steps; ++k) {
    word = k % 2 == 0 ? draws.bits64(k / 2) : word >> 32;
    const double u = static_cast<double>(static_cast<uint32_t>(word)) * 0x1.0p-32;
    const double t = static_cast<double>(k) * kSpikeStep;
    const Between moved((t + neuron.lag) / kSampleStep, m.x.size());
    const double vx = moved.of(m.vx), vy = moved.of(m.vy);
    const double drive = moved.of(linear) + speed * std::sqrt(vx * vx + vy * vy);
    const double slow = Between(t / kDriftStep, drift.size()).of(drift);
    const double rate =
        std::min(kHighestRate, neuron.base * slow * std::exp(std::clamp(drive, -4.0, 3.0)));
    const double expected = kSpikeStep * rate / (1 - std::min(0.9, rate * neuron.refractory));
    // 1 - exp(-x) is below x: most draws need no second exponential.
    if (u >= expected || u >= -std::expm1(-expected)) continue;
    const double time = t + kSpikeStep * jitter.uniform(k);
    if (times.empty() || time - times.back() >= neuron.refractory) times.push_back(time);
  }
  return times;
}

void split_by_trials(Recording& r, const std::vector<int64_t>& order, double dilation) {
  const size_t n = order.size(), test = n / 5, valid = n / 10;
  r.test_domain = chosen(r.trials.intervals, order, 0, test);
  r.valid_domain = chosen(r.trials.intervals, order, test, test + valid);
  Intervals held_out = r.test_domain;
  held_out.insert(held_out.end(), r.valid_domain.begin(), r.valid_domain.end());
  r.train_domain = difference(r.domain, dilated(held_out, dilation));
}

// Sessions of other seeds are others: their ids say so.
void add_seed_to_ids(Recording& r, uint64_t seed) {
  const std::string id = fmt::format("{}_s{}", r.session, seed);
  for (std::string& unit : r.units) unit = id + unit.substr(r.session.size());
  r.session = id;
}

Recording generate(const GeneratorOptions& options, uint64_t seed, const std::string& session) {
  check(options);
  Recording r;
  r.session = session;
  r.subject = options.subject;
  const bool centre_out = options.task == ReachTask::kCentreOut;
  r.task = centre_out ? "center_out_reaching" : "random_target_reaching";
  r.readout = "cursor.vel";
  r.domain = {{0, options.duration}};
  Movement movement = generate_movement(options.task, options.duration, seed, session);
  add_spikes(options, movement, seed, r);
  add_samples(movement, seed, r);
  r.trials = std::move(movement.trials);
  r.phases = std::move(movement.phases);
  split_by_trials(r, Stream(seed, session + "/split").permutation(r.trials.size()),
                  options.dilation);
  add_seed_to_ids(r, seed);
  return r;
}

}  // namespace tenfold::poyo_decode
