#include <catch2/catch.hpp>
#include <limits>

#include "common/io/hdf5_writer.h"
#include "common/io/scratch_for_test.h"
#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {
namespace {

using io::Hdf5Storage;
using io::Hdf5Writer;
using io::Outcome;
using io::Scratch;

const double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kSamples = 4000, kTrials = 10;

using Doubles = std::vector<double>;
using Integers = std::vector<int64_t>;

struct Layout {
  bool timestamps = true, behaviour = true, centre_out = true;
  Integers spike_ends = {2, 2, 4}, electrodes = {1, 0, 1};
};

void add_series(Hdf5Writer& w, const Layout& layout, const std::string& name, double scale) {
  const std::string path = "/processing/behavior/" + name;
  Doubles values, times;
  for (int64_t i = 0; i < kSamples; ++i) {
    values.push_back(scale * static_cast<double>(i));
    values.push_back(0);
    times.push_back(0.01 * static_cast<double>(i));
  }
  w.write(path + "/data", values, {kSamples, 2}, Hdf5Storage::kCompressed);
  w.attribute(path + "/data", "conversion", 0.01);
  if (layout.timestamps) return w.write(path + "/timestamps", times, {}, Hdf5Storage::kCompressed);
  w.write(path + "/starting_time", Doubles{0});
  w.attribute(path + "/starting_time", "rate", 100.0);
}

void add_trials(Hdf5Writer& w, const Layout& layout) {
  Doubles start, stop, target_on, go_cue, cues, attempted;
  Integers go_cue_ends, target_id;
  for (int64_t i = 0; i < kTrials; ++i) {
    const double t = 4 * static_cast<double>(i);
    start.push_back(t);
    stop.push_back(t + 3);
    target_on.push_back(t + 0.5);
    target_id.push_back(i % 8);
    attempted.push_back(4);
    go_cue.insert(go_cue.end(), {t + 1, t + 1.5});
    go_cue_ends.push_back(static_cast<int64_t>(go_cue.size()));
    cues.insert(cues.end(), {t + 0.25, t + 1, kNaN, kNaN});
  }
  const std::string trials = "/intervals/trials/";
  w.write(trials + "start_time", start);
  w.write(trials + "stop_time", stop);
  w.write_variable(trials + "result", std::vector<std::string>(kTrials, "R"));
  if (layout.centre_out) {
    w.write(trials + "target_on_time", target_on);
    w.write(trials + "go_cue_time", go_cue);
    w.write(trials + "go_cue_time_index", go_cue_ends);
    w.write(trials + "target_id", target_id);
  } else {
    w.write(trials + "go_cue_time_array", cues, {kTrials, 4});
    w.write(trials + "num_attempted", attempted);
  }
}

void write_nwb(const std::string& path, const Layout& layout) {
  Hdf5Writer w;
  w.attribute("/", "nwb_version", std::string("2.6.0"));
  w.write_variable("/session_start_time", {"2013-10-03T00:00:00-06:00"});
  w.write_variable("/general/subject/subject_id", {"C"});
  w.write_variable("/general/extracellular_ephys/electrodes/group_name", {"M1", "PMd"});
  w.write("/units/spike_times", Doubles{1, 3, 2, 39}, {}, Hdf5Storage::kCompressed);
  w.write("/units/spike_times_index", layout.spike_ends);
  w.write("/units/electrodes", layout.electrodes);
  w.write("/units/electrodes_index", Integers{1, 2, 3});
  add_trials(w, layout);
  if (layout.behaviour) {
    add_series(w, layout, "Velocity/cursor_vel", 0.01);
    add_series(w, layout, "Position/cursor_pos", 0.0001);
    add_series(w, layout, "Acceleration/cursor_acc", 0);
  }
  w.save(path);
}

Recording read_layout(const Layout& layout, const ReadOptions& options = {}) {
  const Scratch scratch;
  const std::string path =
      scratch / (layout.centre_out ? "sub-C_ses-CO-20131003_x.nwb" : "sub-C_ses-RT-20131003_x.nwb");
  write_nwb(path, layout);
  return read_recording(path, options);
}

Outcome reading(const Layout& layout, const ReadOptions& options = {}) {
  return io::outcome_of([&] { read_layout(layout, options); });
}

}  // namespace

TEST_CASE("a centre-out NWB file is read with the published preparation") {
  const Recording r = read_layout({});
  CHECK(r.session == "c_20131003_center_out_reaching");
  CHECK(r.task == "center_out_reaching");
  CHECK(r.spike_times == Doubles{1, 2, 3, 39});
  CHECK(r.spike_units == std::vector<int32_t>{0, 2, 0, 2});
  CHECK(r.units ==
        std::vector<std::string>{"c_20131003_center_out_reaching/group_PMd/elec1/unit_0",
                                 "c_20131003_center_out_reaching/group_M1/elec0/unit_1",
                                 "c_20131003_center_out_reaching/group_PMd/elec1/unit_2"});
  CHECK(r.samples() == kSamples);
  CHECK(r.target[200] == Approx(1.0));
  CHECK(r.position.size() == 2 * kSamples);
  CHECK(r.acceleration.size() == 2 * kSamples);
  REQUIRE(r.trials.size() == kTrials);
  CHECK(r.trials.intervals[1].start == 4.5);
  CHECK(r.trials.intervals[1].end == 8.5);
  CHECK(r.trials.go_cue_time[1] == 5);
  CHECK(r.trials.target_id[9] == 1);
  REQUIRE(r.test_domain.size() == 2);
  CHECK(r.test_domain[0].start == 4.5);
  CHECK(r.test_domain[1].start == 32.5);
  CHECK(r.phases.at("reach_period").size() == kTrials);
  CHECK(r.phases.at("cursor_outlier_segments").empty());
}

TEST_CASE("times of a series may come from its start and rate") {
  Layout layout;
  layout.timestamps = false;
  const Recording r = read_layout(layout);
  REQUIRE(r.samples() == kSamples);
  CHECK(r.sample_times[150] == 1.5);
}

TEST_CASE("a random-target NWB file is read") {
  Layout layout;
  layout.centre_out = false;
  const Recording r = read_layout(layout);
  CHECK(r.session == "c_20131003_random_target_reaching");
  CHECK(r.phases.at("hold_period")[1].end == 4.25);
  CHECK(r.trials.intervals[1].end == 7);
  CHECK(r.test_domain.size() == 2);
}

TEST_CASE("an NWB file without behaviour is read where none is needed") {
  Layout layout;
  layout.behaviour = false;
  CHECK(reading(layout).says("processing/behavior: no series cursor_vel is there"));
  const Recording r = read_layout(layout, {"cursor.vel", false});
  CHECK(r.samples() == 0);
  CHECK(r.domain[0].end == 39);
}

TEST_CASE("indices of an NWB file that lead nowhere are refused") {
  Layout layout;
  layout.spike_ends = {2, 1, 4};
  CHECK(reading(layout).says("units/spike_times_index: found end 1 after 2"));
  layout.spike_ends = {2, 2, 5};
  CHECK(reading(layout).says("units/spike_times_index: found end 5 after 2"));
  layout.spike_ends = {2, 2, 4};
  layout.electrodes = {1, 0, 2};
  CHECK(reading(layout).says("units/electrodes: found electrode 2 of unit 2, expected 0 to 1"));
}

}  // namespace tenfold::poyo_decode
