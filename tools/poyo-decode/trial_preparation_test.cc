#include "tools/poyo-decode/trial_preparation.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "common/core/error.h"
#include "tools/poyo-decode/movement.h"

namespace tenfold::poyo_decode {
namespace {

const double kNaN = std::numeric_limits<double>::quiet_NaN();

using Doubles = std::vector<double>;

bool same(const Intervals& a, const Intervals& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](Interval x, Interval y) {
    return std::abs(x.start - y.start) < 1e-12 && std::abs(x.end - y.end) < 1e-12;
  });
}

// Trials [10 i, 10 i + 8).
PreparedTrials trials(int64_t n) {
  Doubles start, stop;
  for (int64_t i = 0; i < n; ++i) {
    start.push_back(10 * double(i));
    stop.push_back(10 * double(i) + 8);
  }
  return prepare_plain(start, stop);
}

}  // namespace

TEST_CASE("velocity of a parabola is exact inside and one-sided at the ends, for uneven steps") {
  const Doubles times = {0, 1, 2.5, 3.5};
  Doubles position;
  for (const double t : times) position.insert(position.end(), {t * t, -3 * t});
  CHECK(velocity_of(times, position) == Doubles{1, -3, 2, -3, 5, -3, 6, -3});
}

TEST_CASE("velocity is not taken across gaps and NaN") {
  const Doubles times = {0, 1, 2, 12, 13, 14, 15, 30};
  Doubles position;
  for (const double t : times) position.insert(position.end(), {2 * t + (t > 5 ? 100 : 0), 0});
  position[2 * 5] = kNaN;
  const Doubles v = velocity_of(times, position);
  for (const size_t i : {0, 1, 2, 3, 4}) CHECK(v[2 * i] == 2);
  for (const size_t i : {5, 6, 7}) CHECK(std::isnan(v[2 * i]));
  CHECK(velocity_of({}, {}).empty());
}

TEST_CASE("only what is slow for long enough is still") {
  Doubles times;
  std::vector<float> velocity;
  for (int i = 0; i < 40; ++i) {
    times.push_back(i);
    const bool slow = (i >= 5 && i <= 16) || (i >= 20 && i <= 29);
    velocity.insert(velocity.end(), {slow ? 3.0f : 30.0f, 4.0f});
  }
  CHECK(same(still_segments(times, velocity, 10, 10), {{4, 16}}));
  CHECK(same(still_segments(times, velocity, 10, 9), {{4, 16}, {19, 29}}));
  CHECK(still_segments(times, velocity, 5, 9).empty());
}

TEST_CASE("Churchland's phases are of successful trials that stand apart") {
  ChurchlandTrials t;
  t.start = {0, 10, 20, 30, 38};
  t.stop = {8, 18, 28, 39, 48};
  for (const double s : t.start) {
    t.target_on.push_back(s + 1);
    t.go_cue.push_back(s + 2);
    t.move_begins.push_back(s + 3);
    t.move_ends.push_back(s + 4);
  }
  t.discard = {0, 1, 0, 0, 0};
  t.success = {1, 1, 0, 1, 1};
  t.go_cue[0] = kNaN;
  const PreparedTrials found = prepare_churchland(t);
  CHECK(found.valid == std::vector<char>{1, 0, 0, 0, 0});
  CHECK(found.phases.at("hold_period").empty());
  CHECK(same(found.phases.at("reach_period"), {{3, 4}}));
  CHECK(same(found.phases.at("return_period"), {{4, 8}}));
  t.success.pop_back();
  CHECK_THROWS_WITH(prepare_churchland(t), "trials/task_success: found 4 values, expected 5");
}

TEST_CASE("of ten valid trials two are for tests, one for validation, and the others trained on") {
  PreparedTrials prepared = trials(11);
  prepared.valid[4] = 0;  // of the ten others, number k is trial k or k + 1
  Recording r;
  split_trials(prepared, r);
  CHECK(same(r.test_domain, {{10, 18}, {90, 98}}));
  REQUIRE(r.valid_domain.size() == 1);
  CHECK(r.train_domain.size() == 8);
  CHECK(contains(r.train_domain, 41));
  CHECK(total_length(r.train_domain) + total_length(r.valid_domain) + total_length(r.test_domain) ==
        11 * 8);
}

TEST_CASE("an unsuccessful trial does not bring a held-out one into the training") {
  PreparedTrials prepared = trials(10);
  prepared.trials.intervals.insert(prepared.trials.intervals.begin() + 2, Interval{15, 25});
  prepared.valid.insert(prepared.valid.begin() + 2, 0);
  Recording r;
  split_trials(prepared, r);  // trial 1, 10 s to 18 s, is for tests
  CHECK(intersection(r.train_domain, r.test_domain).empty());
  CHECK(contains(r.train_domain, 19));
}

// numpy.random.RandomState(42).permutation(10) begins with 8, 1.
TEST_CASE("blocks are tenths of the session without what is left out") {
  Recording r;
  r.domain = {{100, 200}};
  split_blocks({{185, 187}, {115, 125}}, r);
  CHECK(same(r.valid_domain, {{180, 185}, {187, 190}}));
  CHECK(same(r.test_domain, {{110, 115}}));
  CHECK(total_length(r.train_domain) == Approx(75));
  CHECK_FALSE(contains(r.train_domain, 124));
}

// numpy.random.RandomState(42).permutation(5) begins with 1.
TEST_CASE("the benchmark's own parts are kept, and its training part is split") {
  const Doubles start = {0, 10, 20, 30, 40, 50, 60}, stop = {9, 19, 29, 39, 49, 59, 69};
  Recording r;
  split_nlb(start, stop, {"train", "val", "train", "train", "none", "train", "train"}, r);
  CHECK(same(r.test_domain, {{10, 19}}));
  CHECK(same(r.valid_domain, {{20, 29}}));
  CHECK(same(r.train_domain, {{0, 9}, {30, 39}, {50, 59}, {60, 69}}));
  CHECK_THROWS_WITH(split_nlb({0}, {1}, {"test"}, r),
                    "trials/split: found 0 trials of 'train' and 0 of 'val'");
}

TEST_CASE("the benchmark scores from 50 ms before to 650 ms after the onset of a movement") {
  const PreparedTrials found = prepare_nlb({0, 10, 20}, {9, 19, 29}, {1, kNaN, 25});
  CHECK(found.trials.size() == 3);
  CHECK(same(found.phases.at(kNlbIntervals), {{0.95, 1.65}, {24.95, 25.65}}));
  CHECK(prepare_nlb({0}, {9}, {}).phases.empty());
}

}  // namespace tenfold::poyo_decode
