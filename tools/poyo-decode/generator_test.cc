#include "tools/poyo-decode/generator.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

double mean_rate(const Recording& r) {
  return double(r.spikes()) / r.domain[0].end / double(r.units.size());
}

std::vector<double> spikes_of(const Recording& r, int32_t unit) {
  std::vector<double> out;
  for (size_t i = 0; i < r.spike_times.size(); ++i) {
    if (r.spike_units[i] == unit) out.push_back(r.spike_times[i]);
  }
  return out;
}

double shortest_gap(const std::vector<double>& times) {
  double out = 1;
  for (size_t i = 1; i < times.size(); ++i) out = std::min(out, times[i] - times[i - 1]);
  return out;
}

// A neuron that fires where the cursor goes right, and says so `lag` seconds before.
Neuron rightward(double lag) { return {8, 1, 0, 0, 0, 0, lag, 0.003}; }

// Mean of vx at `shift` seconds after each spike.
double velocity_after(const std::vector<double>& spikes, const Movement& m, double shift) {
  double sum = 0;
  for (const double t : spikes) {
    const auto at = int64_t(std::lround((t + shift) / kSampleStep));
    sum += m.vx[std::clamp<int64_t>(at, 0, int64_t(m.vx.size()) - 1)];
  }
  return sum / double(spikes.size());
}

}  // namespace

TEST_CASE("a session is a function of seed and name") {
  GeneratorOptions options;
  options.duration = 20;
  const Recording a = generate(options, 1, "g_1"), b = generate(options, 1, "g_1");
  CHECK(a.spike_times == b.spike_times);
  CHECK(a.target == b.target);
  CHECK(generate(options, 2, "g_1").spike_times != a.spike_times);
  CHECK(generate(options, 1, "g_2").spike_times != a.spike_times);
  CHECK(a.session == "g_1_s1");  // sessions of other seeds have other names
  CHECK(a.units[0] == "g_1_s1/u0");
}

TEST_CASE("sessions of 200 s have the stated trials, samples and rates") {
  for (const uint64_t seed : {1, 2, 3}) {
    CAPTURE(seed);
    GeneratorOptions options;
    const Recording co = generate(options, seed, "g_1");
    options.task = ReachTask::kRandomTarget;
    const Recording rt = generate(options, seed, "g_1");
    CHECK((co.trials.size() >= 90 && co.trials.size() <= 95));
    CHECK((rt.trials.size() >= 54 && rt.trials.size() <= 57));
    for (const Recording& r : {co, rt}) {
      CHECK_NOTHROW(check(r));
      CHECK(r.samples() == 20000);
      CHECK((mean_rate(r) > 6 && mean_rate(r) < 13));
    }
    for (const Interval& trial : co.trials.intervals) {
      CHECK((trial.length() > 1.58 && trial.length() < 2.72));
    }
    for (const Interval& trial : rt.trials.intervals) {
      CHECK((trial.length() > 2.3 && trial.length() < 4.7));
    }
  }
}

TEST_CASE("24 units fire at about 9.5 Hz in the mean of many sessions") {
  double sum = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    GeneratorOptions options;
    options.duration = 60;
    sum += mean_rate(generate(options, seed, "g_1")) / 12;
  }
  CHECK((sum > 8 && sum < 11));
}

TEST_CASE("no neuron fires within its refractory period") {
  const Movement m = generate_movement(ReachTask::kCentreOut, 60, 5, "g");
  Neuron fast = rightward(0.1);
  fast.base = 60;
  const std::vector<double> spikes =
      generate_spikes(fast, m, 1.2, std::vector<double>(8, 1.0), 5, "n");
  CHECK(spikes.size() > 2000);
  CHECK(shortest_gap(spikes) >= 0.003);
  GeneratorOptions options;
  options.duration = 60;
  const Recording r = generate(options, 1, "g_1");
  for (int32_t unit = 0; unit < 24; ++unit) CHECK(shortest_gap(spikes_of(r, unit)) >= 0.002);
}

TEST_CASE("spikes lead the movement by the neuron's lag") {
  const Movement m = generate_movement(ReachTask::kCentreOut, 200, 3, "g");
  for (const double lag : {0.05, 0.1, 0.2}) {
    const std::vector<double> spikes =
        generate_spikes(rightward(lag), m, 2, std::vector<double>(22, 1.0), 3, "n");
    double best = 0, highest = -1e9;
    for (double shift = -0.3; shift < 0.5; shift += 0.01) {
      const double v = velocity_after(spikes, m, shift);
      if (v > highest) {
        highest = v;
        best = shift;
      }
    }
    CHECK(std::abs(best - lag) < 0.03);
    CHECK(highest > 3);
  }
}

TEST_CASE("a centre-out movement starts and ends each trial in the centre, and is smooth") {
  const Movement m = generate_movement(ReachTask::kCentreOut, 100, 7, "g");
  double integral = 0;
  for (size_t i = 0; i < m.x.size(); ++i) integral += m.vx[i] * kSampleStep;
  CHECK(integral == Approx(m.x.back()).margin(0.5));
  for (size_t k = 0; k < m.trials.intervals.size(); ++k) {
    const auto end = size_t(std::lround(m.trials.intervals[k].end / kSampleStep)) - 1;
    CHECK(m.x[end] == 0);
    const auto reach = m.phases.at("reach_period")[k];
    const auto out = size_t(std::lround(reach.end / kSampleStep)) - 1;
    const double angle = 2 * 3.14159265358979 * double(m.trials.target_id[k]) / 8;
    CHECK(std::hypot(m.x[out] - 8 * std::cos(angle), m.y[out] - 8 * std::sin(angle)) < 1.5);
    CHECK(reach.start == m.trials.go_cue_time[k]);
  }
}

TEST_CASE("phases cover the recording without overlap") {
  for (const ReachTask task : {ReachTask::kCentreOut, ReachTask::kRandomTarget}) {
    const Movement m = generate_movement(task, 50, 7, "g");
    Intervals all;
    double total = 0;
    for (const auto& [name, intervals] : m.phases) {
      all.insert(all.end(), intervals.begin(), intervals.end());
      total += total_length(intervals);
    }
    CHECK(total == Approx(50));
    CHECK(total_length(merged(all)) == Approx(50));
  }
}

TEST_CASE("test and valid trials are apart from what is trained on by the dilation") {
  const Recording r = generate({}, 4, "g_1");
  const int64_t n = r.trials.size();
  CHECK(int64_t(r.test_domain.size()) == n / 5);
  CHECK(int64_t(r.valid_domain.size()) == n / 10);
  CHECK(intersection(r.test_domain, r.valid_domain).empty());
  for (const Intervals& held_out : {r.test_domain, r.valid_domain}) {
    CHECK(intersection(r.train_domain, dilated(held_out, 0.999)).empty());
  }
  CHECK(total_length(r.train_domain) > 60);
}

TEST_CASE("sessions of a pool see part of the same neurons") {
  GeneratorOptions options;
  options.pool = 50;
  options.duration = 10;
  std::set<std::string> numbers;
  for (const char* session : {"g_1", "g_2", "g_3"}) {
    const Recording r = generate(options, 1, session);
    CHECK((r.units.size() >= 30 && r.units.size() <= 40));
    for (const std::string& id : r.units) numbers.insert(id.substr(4));
  }
  CHECK((numbers.size() > 40 && numbers.size() <= 50));
}

TEST_CASE("multi-units fire more, and untuned units do not follow the movement") {
  GeneratorOptions options;
  options.duration = 60;
  const double plain = mean_rate(generate(options, 1, "g_1"));
  options.multi_units = 1;
  CHECK(mean_rate(generate(options, 1, "g_1")) > 1.8 * plain);
  options.multi_units = 0;
  options.untuned = 1;
  options.gain = 50;
  const double untuned = mean_rate(generate(options, 1, "g_1"));
  CHECK((untuned > 4.5 && untuned < 9));  // the mean of U(2, 12) Hz is 7
}

TEST_CASE("options that no session can have are refused by name") {
  GeneratorOptions options;
  options.duration = 0;
  CHECK_THROWS_WITH(generate(options, 1, "g"), Catch::Contains("--duration"));
  options = {};
  options.units = 0;
  CHECK_THROWS_AS(generate(options, 1, "g"), UsageError);
}

}  // namespace tenfold::poyo_decode
