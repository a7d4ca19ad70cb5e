#include "tools/rich-lazy/tasks.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "common/core/error.h"

namespace tenfold::rich_lazy {
namespace {

constexpr int64_t kMany = 4000;

Trials drawn(Task task, int64_t count = kMany, uint64_t seed = 3) {
  Trials trials;
  draw_trials(task, Stream(seed, "trials"), count, trials);
  return trials;
}

double x(const Trials& t, int64_t step, int64_t trial, int64_t channel) {
  return t.x[size_t((step * t.batch + trial) * t.inputs + channel)];
}
int64_t label(const Trials& t, int64_t step, int64_t trial) {
  return t.labels[size_t(step * t.batch + trial)];
}

// The decision at the last step alone, each of two labels about equally often.
void check_labels(const Trials& t) {
  double ones = 0;
  for (int64_t k = 0; k < t.batch; ++k) {
    for (int64_t s = 0; s < 7; ++s) REQUIRE(label(t, s, k) == 0);
    REQUIRE((label(t, 7, k) == 1 || label(t, 7, k) == 2));
    ones += label(t, 7, k) == 1;
  }
  CHECK(ones / double(t.batch) == Approx(0.5).margin(0.03));
}

// 0.1 times the numbers of the stream that belong to a trial, from `at` on.
double noise(int64_t trial, int64_t at) {
  return 0.1 * Stream(3, "trials").normal(uint64_t(32 * trial + 8 + at));
}

}  // namespace

TEST_CASE("every trial's noise is its own part of the stream") {
  const Trials two = drawn(Task::kTwoAlternatives, 5), match = drawn(Task::kDelayedMatch, 5),
               context = drawn(Task::kContext, 5);
  for (int64_t k = 0; k < 5; ++k) {
    for (int64_t s = 0; s < 7; ++s)
      CHECK(x(two, s, k, 1) + x(two, s, k, 2) - 1 ==
            Approx(noise(k, 2 * s) + noise(k, 2 * s + 1)).margin(1e-6));
    for (const int64_t s : {0, 6})
      CHECK(x(match, s, k, 1) + x(match, s, k, 2) - 1 ==
            Approx(noise(k, s / 3) + noise(k, s / 3 + 1)).margin(1e-6));
    for (int64_t s = 0; s < 2; ++s) {
      CHECK(x(context, s, k, 0) - 1 == Approx(noise(k, 7 * s)).margin(1e-6));
      for (const int64_t c : {1, 3, 5})  // a modality's two channels, and who is asked
        CHECK(x(context, s, k, c) + x(context, s, k, c + 1) - 1 ==
              Approx(noise(k, 7 * s + c) + noise(k, 7 * s + c + 1)).margin(1e-6));
    }
  }
}

TEST_CASE("2AF: fixation and two opposite stimuli for seven steps, then silence") {
  const Trials t = drawn(Task::kTwoAlternatives);
  REQUIRE((t.steps == 8 && t.inputs == 3 && t.batch == kMany));
  check_labels(t);
  std::map<long, int> strengths;  // the mean of a trial's difference, in coherences
  double squares = 0, sum = 0;
  for (int64_t k = 0; k < kMany; ++k) {
    double difference = 0;
    for (int64_t s = 0; s < 7; ++s) {
      REQUIRE(x(t, s, k, 0) == 1);
      difference += (x(t, s, k, 1) - x(t, s, k, 2)) / 7;
      // Noise of either channel: what both have in common, 0.5, has none of the stimulus.
      const double common = x(t, s, k, 1) + x(t, s, k, 2) - 1;
      sum += common;
      squares += common * common;
    }
    for (int64_t c = 0; c < 3; ++c) REQUIRE(x(t, 7, k, c) == 0);
    if (std::abs(difference) > 0.35) {  // coherence 51.2: 2 * 51.2 / 200
      ++strengths[512];
      REQUIRE((difference > 0) == (label(t, 7, k) == 1));
    }
  }
  CHECK(strengths[512] / double(kMany) == Approx(0.2).margin(0.03));
  CHECK(sum / (7 * kMany) == Approx(0).margin(0.004));
  CHECK(squares / (7 * kMany) == Approx(2 * 0.01).epsilon(0.04));
}

TEST_CASE("DMS: a sample, a delay without noise, a test that matches or not") {
  const Trials t = drawn(Task::kDelayedMatch);
  check_labels(t);
  for (int64_t k = 0; k < kMany; ++k) {
    for (int64_t s = 0; s < 8; ++s) {
      REQUIRE(x(t, s, k, 0) == (s < 7 ? 1 : 0));
      if (s != 0 && s != 6) REQUIRE((x(t, s, k, 1) == 0 && x(t, s, k, 2) == 0));
    }
    // 0.5 cos + 0.5 is 1 for the angle shown and 0 for the other; noise of 0.1 leaves them apart.
    const bool sample = x(t, 0, k, 1) > x(t, 0, k, 2), test = x(t, 6, k, 1) > x(t, 6, k, 2);
    REQUIRE((label(t, 7, k) == 1) == (sample == test));
  }
}

TEST_CASE("CXT: noise in all channels of two steps, the context in all eight, the rest silent") {
  const Trials t = drawn(Task::kContext);
  REQUIRE(t.inputs == 7);
  check_labels(t);
  int64_t strong = 0, seen = 0;
  double fixation = 0;
  for (int64_t k = 0; k < kMany; ++k) {
    const int64_t context = x(t, 7, k, 5) == 1 ? 0 : 1;
    for (int64_t s = 2; s < 8; ++s) {
      REQUIRE(x(t, s, k, 0) == (s < 7 ? 1 : 0));
      for (int64_t c = 1; c < 5; ++c) REQUIRE(x(t, s, k, c) == 0);
      REQUIRE(x(t, s, k, 5 + context) == 1);
      REQUIRE(x(t, s, k, 6 - context) == 0);
    }
    for (int64_t s = 0; s < 2; ++s) {
      REQUIRE(x(t, s, k, 5 + context) == Approx(1).margin(0.6));
      REQUIRE(x(t, s, k, 6 - context) == Approx(0).margin(0.6));
      fixation += (x(t, s, k, 0) - 1) * (x(t, s, k, 0) - 1);
    }
    // The attended modality at coherence 50 differs by 1 between its stimuli... of (1 +- 0.5) / 2.
    const int64_t first = 1 + 2 * context;
    double difference = 0;
    for (int64_t s = 0; s < 2; ++s) difference += (x(t, s, k, first) - x(t, s, k, first + 1)) / 2;
    if (std::abs(difference) < 0.4) continue;
    ++seen;
    strong += (difference > 0) == (label(t, 7, k) == 1);
  }
  CHECK(std::sqrt(fixation / (2 * kMany)) == Approx(0.1).epsilon(0.05));
  CHECK(seen > kMany / 5);
  CHECK(strong == seen);
}

TEST_CASE("a trial depends on the stream and its number alone") {
  const Trials few = drawn(Task::kContext, 5), many = drawn(Task::kContext, 50);
  const Trials other = drawn(Task::kContext, 5, 4);
  bool differs = false;
  for (int64_t s = 0; s < 8; ++s) {
    for (int64_t k = 0; k < 5; ++k) {
      REQUIRE(label(few, s, k) == label(many, s, k));
      for (int64_t c = 0; c < 7; ++c) {
        REQUIRE(x(few, s, k, c) == x(many, s, k, c));
        differs = differs || x(few, s, k, c) != x(other, s, k, c);
      }
    }
  }
  CHECK(differs);
}

TEST_CASE("tasks are known in any case, others are refused with the list") {
  CHECK(task_of("2af") == Task::kTwoAlternatives);
  CHECK(task_of("smnist") == Task::kSequentialDigits);
  CHECK_THROWS_WITH(task_of("DM"), "--task: found 'DM', expected some of 2AF, DMS, CXT, sMNIST");
}

}  // namespace tenfold::rich_lazy
