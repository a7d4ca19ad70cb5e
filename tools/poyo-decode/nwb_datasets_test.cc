// NWB files that are not Perich and Miller's.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "common/io/hdf5_writer.h"
#include "common/io/scratch_for_test.h"
#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {
namespace {

using io::Hdf5Storage;
using io::Hdf5Writer;
using io::Outcome;
using io::outcome_of;
using io::Scratch;

using Doubles = std::vector<double>;
using Texts = std::vector<std::string>;

const double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kTrials = 10;

// What every NWB file here holds: two units, and trials [10 i, 10 i + 9).
void add_common(Hdf5Writer& w) {
  w.attribute("/", "nwb_version", std::string("2.2.4"));
  w.write_variable("/session_start_time", {"2009-09-12T00:00:00-07:00"});
  w.write_variable("/general/subject/subject_id", {"Jenkins"});
  w.write("/units/spike_times", Doubles{1, 50, 99}, {}, Hdf5Storage::kCompressed);
  w.write("/units/spike_times_index", std::vector<int64_t>{1, 3});
  Doubles start, stop;
  for (int64_t i = 0; i < kTrials; ++i) {
    start.push_back(10 * double(i));
    stop.push_back(10 * double(i) + 9);
  }
  w.write("/intervals/trials/start_time", start);
  w.write("/intervals/trials/stop_time", stop);
}

// Of every trial the time `after` its start.
void add_times(Hdf5Writer& w, const std::string& name, double after) {
  Doubles times;
  for (int64_t i = 0; i < kTrials; ++i) times.push_back(10 * double(i) + after);
  w.write("/intervals/trials/" + name, times);
}

void add_flags(Hdf5Writer& w, const std::string& name, int64_t usual, int64_t of_third) {
  std::vector<int64_t> flags(kTrials, usual);
  flags[2] = of_third;
  w.write("/intervals/trials/" + name, flags);
}

// Samples every 0.1 s; x = t^2, y = -t, but NaN where `hole` says so.
void add_positions(
    Hdf5Writer& w, const std::string& series, double until,
    const std::function<bool(double)>& hole = [](double) { return false; }) {
  Doubles times, values;
  for (int64_t i = 0; double(i) * 0.1 < until; ++i) {
    const double t = double(i) * 0.1;
    times.push_back(t);
    values.insert(values.end(), {hole(t) ? kNaN : t * t, -t});
  }
  const auto n = int64_t(times.size());
  w.write("/processing/behavior/" + series + "/data", values, {n, 2}, Hdf5Storage::kCompressed);
  w.write("/processing/behavior/" + series + "/timestamps", times, {}, Hdf5Storage::kCompressed);
}

Recording read(const std::string& dataset, const std::function<void(Hdf5Writer&)>& add,
               const std::string& name = "sub-Jenkins_x.nwb", bool need_behaviour = true) {
  const Scratch scratch;
  Hdf5Writer w;
  add_common(w);
  add(w);
  w.save(scratch / name);
  ReadOptions options;
  options.dataset = describe(dataset);
  options.readout = options.dataset.readout;
  options.need_behaviour = need_behaviour;
  return read_recording(scratch / name, options);
}

void churchland(Hdf5Writer& w) {
  add_positions(w, "Position/Cursor", 100);
  add_times(w, "target_presentation_time", 1);
  add_times(w, "go_cue_time", 2);
  add_times(w, "move_begins_time", 3);
  add_times(w, "move_ends_time", 4);
  add_flags(w, "discard_trial", 0, 1);
  add_flags(w, "task_success", 1, 1);
}

void nlb_maze(Hdf5Writer& w) {
  add_positions(w, "hand_vel", 100, [](double t) { return t > 9 && t < 10; });
  add_positions(w, "hand_pos", 100);
  add_times(w, "move_onset_time", 4);
  Texts split(kTrials, "train");
  split[3] = split[7] = "val";
  w.write_variable("/intervals/trials/split", split);
}

}  // namespace

TEST_CASE("Churchland's velocity is derived from the cursor's position, and its phases are read") {
  const Recording r = read("churchland", churchland);
  CHECK(r.session == "jenkins_20090912_center_out_reaching");
  CHECK(r.task == "center_out_reaching");
  REQUIRE(r.samples() == 1000);
  CHECK(r.target[2 * 500] == Approx(2 * 50.0));
  CHECK(r.target[2 * 500 + 1] == Approx(-1));
  CHECK(r.position[2 * 500] == Approx(2500));
  CHECK(r.phases.at("reach_period").size() == kTrials - 1);
  CHECK(r.phases.at("reach_period")[2].start == 33);
  CHECK(r.phases.at("hold_period")[0].end == 2);
  CHECK(r.phases.at("return_period")[0].end == 9);
  CHECK(contains(r.train_domain, 25));  // the discarded trial
  CHECK(r.test_domain.size() == 2);     // of the other nine
  CHECK(r.valid_domain.size() == 1);
}

TEST_CASE("a column that Churchland's preparation needs is asked for by its path") {
  const Outcome outcome = outcome_of(
      [] { read("churchland", [](Hdf5Writer& w) { add_positions(w, "Position/Cursor", 100); }); });
  CHECK(outcome.code == ExitCode::kBadData);
  CHECK(outcome.says(
      "sub-Jenkins_x.nwb: intervals/trials/target_presentation_time: the column is missing"));
}

TEST_CASE("the maze of the benchmark keeps its own test trials and drops samples with NaN") {
  const Recording r = read("nlb-maze", nlb_maze);
  CHECK(r.session == "jenkins_20090912_maze");
  CHECK(r.readout == "hand.vel");
  CHECK(r.samples() == 1000 - 9);
  CHECK(r.position.size() == 2 * size_t(r.samples()));
  REQUIRE(r.test_domain.size() == 2);
  CHECK(r.test_domain[0].start == 30);
  CHECK(r.test_domain[1].end == 79);
  CHECK(r.valid_domain.size() == 2);
  CHECK(r.train_domain.size() == 6);
  CHECK(r.phases.at("nlb_eval_intervals")[1].start == Approx(13.95));
  CHECK(r.phases.at("nlb_eval_intervals")[1].end == Approx(14.65));
}

TEST_CASE("a file of the benchmark without behaviour names its group, and can be looked at") {
  const auto spikes_only = [](Hdf5Writer&) {};
  const std::string name = "sub-Jenkins_ses-full_desc-test_ecephys.nwb";
  const Outcome outcome = outcome_of([&] { read("nlb-maze", spikes_only, name); });
  CHECK(outcome.code == ExitCode::kBadData);
  CHECK(outcome.says("processing/behavior: no series hand_vel is there"));
  const Recording r = read("nlb-maze", spikes_only, name, false);
  CHECK(r.session == "jenkins_20090912_maze_test");
  CHECK(r.samples() == 0);
  CHECK(r.trials.size() == kTrials);
  CHECK(r.train_domain.empty());
}

TEST_CASE("what is scored must be in the file, and parts must be named as the benchmark does") {
  const auto velocity = [](Hdf5Writer& w) { add_positions(w, "hand_vel", 100); };
  CHECK(outcome_of([&] {
          read("nlb-maze", velocity);
        }).says("intervals/trials/move_onset_time: the column is missing"));
  CHECK(outcome_of([&] {
          read("nlb-rtt", velocity);
        }).says("intervals/trials/split: the column is missing"));
  const Recording r = read("nlb-rtt", [&](Hdf5Writer& w) {
    velocity(w);
    w.write_variable("/intervals/trials/split", {"train", "train", "train", "train", "train",
                                                 "train", "train", "train", "val", "val"});
  });
  CHECK(r.phases.empty());
  CHECK(r.test_domain[0].start == 80);
  CHECK(r.task == "random_target_reaching");
}

TEST_CASE("Flint's trials are split 70/10/20") {
  const Recording r = read("flint", [](Hdf5Writer& w) { add_positions(w, "hand_vel", 100); });
  CHECK(r.train_domain.size() == 7);
  CHECK(r.valid_domain.size() == 1);
  REQUIRE(r.test_domain.size() == 2);
  CHECK(r.test_domain[0].start == 10);
  CHECK(r.test_domain[1].start == 80);
}

TEST_CASE("O'Doherty's session is cut into blocks without the time in which nothing moves") {
  const Recording r = read("odoherty", [](Hdf5Writer& w) {
    Doubles times, values;  // fast but for 30 s to 45 s
    for (int64_t i = 0; i < 1000; ++i) {
      const double t = double(i) * 0.1;
      times.push_back(t);
      values.insert(values.end(), {t < 30 ? 50 * t : (t < 45 ? 1500 : 50 * (t - 15)), 0});
    }
    w.write("/processing/behavior/cursor_pos/data", values, {1000, 2});
    w.write("/processing/behavior/cursor_pos/timestamps", times);
  });
  REQUIRE(r.phases.at("no_movement_segments").size() == 1);
  CHECK(r.phases.at("no_movement_segments")[0].start == Approx(30).margin(0.11));
  CHECK(r.phases.at("no_movement_segments")[0].end == Approx(45).margin(0.11));
  CHECK(r.valid_domain[0].start == Approx(79.92));
  CHECK(r.test_domain[0].start == Approx(9.99));
  CHECK_FALSE(contains(r.train_domain, 40));
  CHECK(total_length(r.train_domain) == Approx(8 * 9.99 - 15).margin(0.21));
}

TEST_CASE("conversion and offset of a series are applied where the description says so") {
  const Scratch scratch;
  Hdf5Writer w;
  add_common(w);
  add_positions(w, "Position/Hand", 100);
  w.attribute("/processing/behavior/Position/Hand/data", "conversion", 0.01);
  w.attribute("/processing/behavior/Position/Hand/data", "offset", 5.0);
  w.save(scratch / "x.nwb");
  ReadOptions options;
  options.readout = "hand.vel";
  options.dataset = describe("flint");
  const Recording stored = read_recording(scratch / "x.nwb", options);
  options.dataset.convert = true;
  const Recording converted = read_recording(scratch / "x.nwb", options);
  CHECK(stored.position[2 * 100] == Approx(100));
  CHECK(converted.position[2 * 100] == Approx(6));
  CHECK(converted.target[2 * 100] == Approx(0.01 * stored.target[2 * 100]));
}

}  // namespace tenfold::poyo_decode
