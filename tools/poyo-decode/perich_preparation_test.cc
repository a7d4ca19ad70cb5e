#include "tools/poyo-decode/perich_preparation.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <set>

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

const double kNaN = std::numeric_limits<double>::quiet_NaN();

// As "0-2 3.5-5".
std::string text(const Intervals& intervals) {
  std::string out;
  const auto number = [](double x) {
    std::string digits = std::to_string(x);
    digits.erase(digits.find_last_not_of('0') + 1);
    return digits.back() == '.' ? digits.substr(0, digits.size() - 1) : digits;
  };
  for (const Interval& i : intervals) {
    out += (out.empty() ? "" : " ") + number(i.start) + "-" + number(i.end);
  }
  return out;
}

PerichTrials centre_out() {
  PerichTrials t;
  t.start = {0, 3, 6, 9};
  t.stop = {2, 5, 8, 11};
  t.result = {"R", "F", "R", "R"};
  t.target_on = {0.5, 3.5, kNaN, 9.5};
  t.go_cue = {1, 4, 6.5, 10};
  t.target_id = {1, 2, 3, 4};
  return t;
}

std::vector<double> seconds(size_t n) {
  std::vector<double> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = double(i);
  return out;
}

// [n, 2] of zeros with `value` at x of the places.
std::vector<float> pulses(size_t n, float value, const std::vector<size_t>& places) {
  std::vector<float> out(2 * n);
  for (const size_t place : places) out[2 * place] = value;
  return out;
}

std::vector<size_t> range(size_t first, size_t last) {
  std::vector<size_t> out;
  for (size_t i = first; i <= last; ++i) out.push_back(i);
  return out;
}

}  // namespace

TEST_CASE("the published split is reproduced") {
  CHECK(perich_split(10).test == std::vector<int64_t>{1, 8});
  const TrialSplit split = perich_split(159);
  CHECK(split.train.size() == 111);
  CHECK(split.valid.size() == 16);
  CHECK(split.test.size() == 32);
  std::set<int64_t> all;
  for (const auto* part : {&split.train, &split.valid, &split.test}) {
    all.insert(part->begin(), part->end());
  }
  CHECK((all.size() == 159 && *all.begin() == 0 && *all.rbegin() == 158));
}

TEST_CASE("the smallest numbers of trials are split too") {
  CHECK(perich_split(0).train.empty());
  CHECK(perich_split(1).test == std::vector<int64_t>{0});
  CHECK(perich_split(2).valid.size() == 1);
  CHECK(perich_split(3).train.size() == 1);
}

TEST_CASE("centre-out trials go from target to target, with their phases") {
  const PreparedTrials p = prepare_centre_out(centre_out(), {0, 20}, {});
  CHECK(text(p.trials.intervals) == "0.5-3.5 3.5-6 6-9.5 9.5-12");
  CHECK(p.valid == std::vector<char>{1, 0, 1, 1});
  CHECK(p.trials.target_id == std::vector<int64_t>{1, 2, 3, 4});
  CHECK(text(p.phases.at("hold_period")) == "0.5-1 6-6.5 9.5-10");
  CHECK(text(p.phases.at("reach_period")) == "1-2 6.5-8 10-11");
  CHECK(text(p.phases.at("return_period")) == "2-3.5 8-9.5 11-12");
  CHECK(text(p.phases.at("invalid")) == "3.5-6");
  CHECK(text(p.phases.at("random_period")) == "0-0.5 12-20");
}

TEST_CASE("the last trial ends with the cursor, and lengths and targets decide validity") {
  PerichTrials t = centre_out();
  CHECK(prepare_centre_out(t, {0, 11.5}, {}).trials.intervals.back().end == 11.5);
  t.target_id[0] = kNaN;
  t.target_on[3] = 6.4;
  const PreparedTrials p = prepare_centre_out(t, {0, 20}, {});
  CHECK(p.valid == std::vector<char>{0, 0, 0, 1});
  CHECK(p.trials.target_id[0] == -1);
}

TEST_CASE("outliers belong to no phase") {
  const PreparedTrials p = prepare_centre_out(centre_out(), {0, 20}, {{0.7, 1.5}});
  CHECK(text(p.phases.at("hold_period")) == "0.5-0.7 6-6.5 9.5-10");
  CHECK(text(p.phases.at("reach_period")) == "1.5-2 6.5-8 10-11");
  CHECK(text(p.phases.at("cursor_outlier_segments")) == "0.7-1.5");
}

TEST_CASE("random-target trials are valid with four targets reached in time") {
  PerichTrials t;
  t.start = {0, 5, 10, 15};
  t.stop = {4, 9, 11, 19};
  t.result = {"R", "R", "R", "A"};
  t.num_attempted = {4, 3, 4, 4};
  t.first_go_cue = {0.5, kNaN, 10.25, 15.5};
  const PreparedTrials p = prepare_random_target(t, {0, 20}, {{12, 13}});
  CHECK(p.valid == std::vector<char>{1, 0, 0, 0});
  CHECK(text(p.phases.at("hold_period")) == "0-0.5 10-10.25 15-15.5");
  CHECK(text(p.phases.at("random_period")) == "0.5-10 10.25-12 13-15 15.5-20");
}

TEST_CASE("columns of other lengths are named") {
  PerichTrials t = centre_out();
  t.go_cue.pop_back();
  CHECK_THROWS_WITH(prepare_centre_out(t, {0, 20}, {}),
                    "trials/go_cue_time: found 3 values, expected 4");
  t.result.pop_back();
  CHECK_THROWS_AS(prepare_random_target(t, {0, 20}, {}), DataError);
}

TEST_CASE("a fast sample also marks the one before it") {
  const size_t n = 20;
  // Samples 9 and 10 are marked: from the time of 8 to that of 10.
  CHECK(text(cursor_outliers(seconds(n), {}, pulses(n, 1501, {10}))) == "8-10");
  CHECK(text(cursor_outliers(seconds(n), {}, pulses(n, 1501, {0}))).empty());
  CHECK(text(cursor_outliers(seconds(n), {}, pulses(n, 1501, {19}))) == "17-19");
  CHECK(text(cursor_outliers(seconds(n), {}, pulses(n, 1500, {10}))).empty());
}

TEST_CASE("a far sample marks those around it, more on the left than on the right") {
  const size_t n = 1000;
  // Sample 500 sets 300 .. 699, of which erosion leaves 350 .. 650.
  CHECK(text(cursor_outliers(seconds(n), pulses(n, -11, {500}), {})) == "349-650");
  CHECK(text(cursor_outliers(seconds(n), pulses(n, 11, range(400, 500)), {})) == "249-650");
  CHECK(text(cursor_outliers(seconds(n), pulses(n, 10, {500}), {})).empty());
  // At the ends erosion counts what is outside as false: 0 .. 199 becomes 50 .. 150.
  CHECK(text(cursor_outliers(seconds(n), pulses(n, 11, {0}), {})) == "49-150");
}

TEST_CASE("a session is named after animal, day and task") {
  CHECK(
      session_id("C", "2013-10-03T00:00:00-06:00", perich_task("/d/sub-C_ses-CO-20131003_x.nwb")) ==
      "c_20131003_center_out_reaching");
  CHECK(session_id("M", "2014-01-14T00:00:00", perich_task("/CO/sub-M_ses-RT-20140114_x.nwb")) ==
        "m_20140114_random_target_reaching");
}

TEST_CASE("held-out trials and a second around them are not trained on") {
  PreparedTrials p;
  for (int i = 0; i < 10; ++i) {
    p.trials.intervals.push_back({10.0 * i, 10.0 * i + 2});
    p.valid.push_back(1);
  }
  Recording r;
  r.domain = {{0, 100}};
  split_perich(p, 1, r);
  CHECK(text(r.test_domain) == "10-12 80-82");
  CHECK(text(r.valid_domain) == "0-2");
  CHECK(text(r.train_domain) == "3-9 13-79 83-100");
  CHECK_FALSE(contains(r.train_domain, 9.5));
  CHECK(contains(r.train_domain, 13));
}

}  // namespace tenfold::poyo_decode
