#include "tools/poyo-decode/windows.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

bool same(const std::vector<Window>& a, const std::vector<Window>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Window& x, const Window& y) {
    return x.recording == y.recording && x.start == y.start;
  });
}

}  // namespace

TEST_CASE("an evaluation covers every interval to its end, half a window at a time") {
  const EvaluationWindows w = evaluation_windows({{0, 2.3}, {5, 6}, {7, 7.9}, {9, 10.5}}, 1);
  CHECK(w.skipped == 1);
  const std::vector<double> expected = {0, 0.5, 1, 1.2999999999999998, 5, 9, 9.5};
  REQUIRE(w.starts.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) CHECK(w.starts[i] == Approx(expected[i]));
}

TEST_CASE("an interval of a window's length up to rounding has one window") {
  CHECK(evaluation_windows({{10, 10.8999999999999773}}, 0.9).starts == std::vector<double>{10});
  for (Sampling sampling : {Sampling::kDomain, Sampling::kTrials, Sampling::kUniform}) {
    WindowSampler sampler({{{10, 10.8999999999999773}}}, 0.9, sampling, 1, 0);
    CHECK(sampler.windows_per_epoch() == 1);
    CHECK(sampler.batch(0)[0].start == Approx(10));
  }
}

TEST_CASE("a jittered grid has floor(length / window) windows, whatever the offset, all inside") {
  const std::vector<Intervals> intervals = {{{0, 3.7}, {4, 5}, {6, 6.9}}, {{100, 112.2}}};
  for (uint64_t seed = 0; seed < 40; ++seed) {
    WindowSampler sampler(intervals, 1, Sampling::kDomain, 4, seed);
    CHECK(sampler.windows_per_epoch() == 3 + 1 + 12);
    CHECK(sampler.steps_per_epoch() == 4);
    std::vector<double> starts;
    for (int64_t step = 0; step < 4; ++step) {
      for (const Window& w : sampler.batch(step)) {
        const double high = w.recording == 0 ? (w.start < 3.8 ? 3.7 : 5) : 112.2;
        CHECK(w.start + 1 <= high + 1e-9);
        starts.push_back(w.start + 1000 * double(w.recording));
      }
    }
    std::sort(starts.begin(), starts.end());
    CHECK(std::adjacent_find(starts.begin(), starts.end()) == starts.end());
  }
  CHECK(WindowSampler(intervals, 1, Sampling::kDomain, 4, 0).seconds_lost(0) == Approx(0.9));
}

TEST_CASE("the windows of a step are a function of the seed and the step") {
  for (Sampling sampling : {Sampling::kDomain, Sampling::kTrials, Sampling::kUniform}) {
    const std::vector<Intervals> intervals = {{{0, 3.7}, {4, 5}}, {{50, 58.5}}};
    WindowSampler a(intervals, 1, sampling, 5, 3), b(intervals, 1, sampling, 5, 3),
        other(intervals, 1, sampling, 5, 4);
    std::vector<std::vector<Window>> steps;
    for (int64_t k = 0; k < 9; ++k) steps.push_back(a.batch(k));
    CHECK(same(b.batch(7), steps[7]));
    CHECK(same(b.batch(2), steps[2]));
    CHECK(same(b.batch(3), steps[3]));
    CHECK_FALSE(same(other.batch(0), steps[0]));
  }
}

TEST_CASE("passes over trials drop nothing, and every trial is seen in each") {
  WindowSampler sampler({{{0, 1.2}, {2, 3.1}, {4, 5.05}}}, 1, Sampling::kTrials, 2, 0);
  std::vector<int64_t> seen(3, 0);
  for (int64_t step = 0; step < 30; ++step)
    for (const Window& w : sampler.batch(step)) ++seen[size_t(w.start / 2)];
  CHECK(seen == std::vector<int64_t>{20, 20, 20});
}

TEST_CASE("recordings without a place for a window are refused") {
  CHECK_THROWS_AS(WindowSampler({{{0, 0.5}}}, 1, Sampling::kTrials, 2, 0), DataError);
  CHECK_THROWS_AS(WindowSampler({{{0, 3}}}, 1, Sampling::kDomain, 4, 0), UsageError);
}

}  // namespace tenfold::poyo_decode
