#include "tools/poyo-decode/recording.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "common/io/hdf5.h"
#include "common/io/hdf5_writer.h"
#include "common/io/scratch_for_test.h"
#include "common/testing/fixtures.h"
#include "common/testing/skip.h"

namespace tenfold::poyo_decode {
namespace {

using io::Hdf5Writer;
using io::Outcome;
using io::outcome_of;
using io::Scratch;

const double kNaN = std::numeric_limits<double>::quiet_NaN();

Recording small() {
  Recording r;
  r.session = "s1";
  r.subject = "s";
  r.task = "center_out_reaching";
  r.units = {"s1/a", "s1/b", "s1/silent"};
  r.spike_times = {0.1, 0.2, 0.2, 3.5};
  r.spike_units = {0, 1, 0, 1};
  r.readout = "cursor.vel";
  r.sample_times = {0, 1, 2, 3};
  r.target = {1, 2, 3, 4, 5, 6, 7, 8};
  r.position = {0, 0, 1, 1, 2, 2, 3, 3};
  r.domain = {{0, 4}};
  r.train_domain = {{0, 1}, {3, 4}};
  r.valid_domain = {{1, 2}};
  r.test_domain = {{2, 3}};
  r.trials = {{{0, 2}, {2, 4}}, {3, 7}, {0.5, kNaN}};
  r.phases = {{"reach_period", {{0, 1}, {2, 3}}}, {"cursor_outlier_segments", {{3, 4}}}};
  return r;
}

bool same(const Intervals& a, const Intervals& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](Interval x, Interval y) { return x.start == y.start && x.end == y.end; });
}

Outcome checking(const std::function<void(Recording&)>& change) {
  Recording r = small();
  change(r);
  return outcome_of([&] { check(r); });
}

// What a temporaldata file holds.
struct Layout {
  std::string spikes_object = "IrregularTimeSeries";
  std::vector<double> spikes = {0.5, 1.5};
  std::vector<int64_t> units = {0, 1};
  std::vector<std::string> ids = {"u0", "u1"};
  bool behaviour = true, domains = true;
  std::function<void(Hdf5Writer&)> more = [](Hdf5Writer&) {};
};

void add_intervals(Hdf5Writer& w, const std::string& group, std::vector<double> start,
                   std::vector<double> end) {
  w.write(group + "/start", start);
  w.write(group + "/end", end);
  w.attribute(group, "object", std::string("Interval"));
}

void add_cursor(Hdf5Writer& w) {
  w.write("/cursor/timestamps", std::vector<double>{0, 1, 2, 3});
  w.write("/cursor/vel", std::vector<float>{1, 2, 3, 4, NAN, 6, 7, 8}, {4, 2});
  w.attribute("/cursor", "object", std::string("IrregularTimeSeries"));
}

void write_layout(const std::string& path, const Layout& layout) {
  Hdf5Writer w;
  w.attribute("/", "object", std::string("Data"));
  w.group("/session");
  w.attribute("/session", "id", std::string("m_1"));
  w.write("/spikes/timestamps", layout.spikes);
  w.write("/spikes/unit_index", layout.units);
  w.attribute("/spikes", "object", layout.spikes_object);
  w.write_fixed("/units/id", layout.ids);
  w.attribute("/units", "object", std::string("ArrayDict"));
  add_intervals(w, "/domain", {0}, {4});
  if (layout.domains) {
    add_intervals(w, "/train_domain", {0}, {2});
    add_intervals(w, "/valid_domain", {2}, {3});
    add_intervals(w, "/test_domain", {3}, {4});
  }
  if (layout.behaviour) add_cursor(w);
  layout.more(w);
  w.save(path);
}

Recording read_layout(const Layout& layout, const ReadOptions& options = {}) {
  const Scratch scratch;
  write_layout(scratch / "m.h5", layout);
  return read_recording(scratch / "m.h5", options);
}

Outcome reading(const Layout& layout, const ReadOptions& options = {}) {
  return outcome_of([&] { read_layout(layout, options); });
}

int64_t samples_inside(const Recording& r, const Intervals& domain) {
  return std::count_if(r.sample_times.begin(), r.sample_times.end(),
                       [&](double t) { return contains(domain, t); });
}

}  // namespace

TEST_CASE("a recording that holds together passes its check") {
  CHECK(outcome_of([] { check(small()); }).ok());
}

TEST_CASE("what does not hold together in a recording is named") {
  CHECK(checking([](Recording& r) { r.spike_times[2] = 0.15; }).message ==
        "s1: spikes/timestamps: found 0.15 s after 0.2 s at place 2, expected sorted times");
  CHECK(checking([](Recording& r) { r.spike_times[0] = -1; }).says("expected no time before 0"));
  CHECK(checking([](Recording& r) { r.spike_times[3] = kNaN; }).says("found nan at place 3"));
  CHECK(checking([](Recording& r) { r.spike_units[0] = 3; }).message ==
        "s1: spikes/unit_index: found unit 3, expected 0 to 2");
  CHECK(
      checking([](Recording& r) { r.spike_units.pop_back(); }).says("found 3 values, expected 4"));
  CHECK(checking([](Recording& r) { r.units[1] = r.units[0]; }).message ==
        "s1: units/id: unit s1/a stands twice");
  CHECK(checking([](Recording& r) { r.target.pop_back(); }).says("found 7 values, expected 8"));
  CHECK(checking([](Recording& r) { r.target[0] = NAN; }).says("cursor.vel: found NaN"));
  CHECK(checking([](Recording& r) { r.position.pop_back(); }).says("position: found 7 values"));
  CHECK(checking([](Recording& r) { r.train_domain[0].end = 0; }).message ==
        "s1: train_domain: interval 0 is 0 s to 0 s, expected its end after its start");
  CHECK(checking([](Recording& r) {
          r.train_domain[0].end = 3.5;
        }).says("expected sorted intervals that do not overlap"));
  CHECK(
      checking([](Recording& r) { r.trials.target_id = {1}; }).says("found 1 values, expected 2"));
  CHECK(checking([](Recording& r) {
          r.path = "x.h5";
          r.spike_units[0] = -1;
        }).says("x.h5: spikes/unit_index: found unit -1"));
}

TEST_CASE("a recording that is written is read back equal") {
  const Scratch scratch;
  const Recording r = small();
  write_recording(scratch / "x.h5", r);
  const Recording found = read_recording(scratch / "x.h5", {});
  CHECK(found.path == scratch / "x.h5");
  CHECK(found.session == r.session);
  CHECK(found.subject == r.subject);
  CHECK(found.task == r.task);
  CHECK(found.units == r.units);
  CHECK(found.spike_times == r.spike_times);
  CHECK(found.spike_units == r.spike_units);
  CHECK(found.sample_times == r.sample_times);
  CHECK(found.target == r.target);
  CHECK(found.position == r.position);
  CHECK(found.acceleration.empty());
  CHECK(same(found.domain, r.domain));
  CHECK(same(found.train_domain, r.train_domain));
  CHECK(same(found.valid_domain, r.valid_domain));
  CHECK(same(found.test_domain, r.test_domain));
  CHECK(same(found.trials.intervals, r.trials.intervals));
  CHECK(found.trials.target_id == r.trials.target_id);
  CHECK(found.trials.go_cue_time[0] == 0.5);
  CHECK(std::isnan(found.trials.go_cue_time[1]));
  REQUIRE(found.phases.size() == 2);
  CHECK(same(found.phases.at("reach_period"), r.phases.at("reach_period")));
  CHECK(same(found.phases.at("cursor_outlier_segments"), r.phases.at("cursor_outlier_segments")));
}

TEST_CASE("a written file has every attribute that the official reader asks for") {
  const Scratch scratch;
  write_recording(scratch / "x.h5", small());
  const io::Hdf5File file = io::Hdf5File::open(scratch / "x.h5");
  for (const char* group : {"/", "/session", "/subject", "/movement_phases"}) {
    CHECK(file.text_attribute(group, "object") == "Data");
    CHECK(file.number_attribute(group, "absolute_start") == 0);
  }
  for (const char* group : {"/domain", "/train_domain", "/valid_domain", "/test_domain",
                            "/spikes/domain", "/cursor/domain", "/cursor_outlier_segments",
                            "/movement_phases/domain", "/movement_phases/reach_period"}) {
    CHECK(file.text_attribute(group, "object") == "Interval");
    CHECK(file.texts_attribute(group, "timekeys") == std::vector<std::string>{"start", "end"});
    CHECK(file.texts_attribute(group, "_unicode_keys").empty());
  }
  CHECK(file.texts_attribute("/trials", "timekeys").size() == 3);
  for (const char* group : {"/spikes", "/cursor"}) {
    CHECK(file.text_attribute(group, "object") == "IrregularTimeSeries");
    CHECK(file.texts_attribute(group, "timekeys") == std::vector<std::string>{"timestamps"});
  }
  CHECK(file.integers("/spikes/timestamp_indices_1s").values ==
        std::vector<int64_t>{0, 3, 3, 3, 4});
  CHECK(file.texts_attribute("/units", "_unicode_keys") == std::vector<std::string>{"id"});
  CHECK_FALSE(file.has_attribute("/units", "timekeys"));
}

TEST_CASE("samples with NaN are dropped and unit ids get the session's id") {
  Layout layout;
  layout.ids = {"u0", "m_1/u1"};
  const Recording r = read_layout(layout);
  CHECK(r.sample_times == std::vector<double>{0, 1, 3});
  CHECK(r.target == std::vector<float>{1, 2, 3, 4, 7, 8});
  CHECK(r.units == std::vector<std::string>{"m_1/u0", "m_1/u1"});
  CHECK(r.phases.empty());
  CHECK(r.trials.size() == 0);
  CHECK(r.subject.empty());
}

TEST_CASE("regular series have their times from the rate, and gaps' fillers are dropped") {
  Layout layout;
  layout.behaviour = false;
  std::vector<double> end = {2}, start = {1};
  layout.more = [&](Hdf5Writer& w) {
    w.write("/hand/vel", std::vector<double>{0, 0, 1, 1, 2, 2, 3, 3, 4, 4}, {5, 2});
    w.attribute("/hand", "object", std::string("RegularTimeSeries"));
    w.attribute("/hand", "sampling_rate", 4.0);
    add_intervals(w, "/hand/domain", start, end);
  };
  const ReadOptions hand = {"hand.vel", true};
  CHECK(read_layout(layout, hand).sample_times == std::vector<double>{1, 1.25, 1.5, 1.75, 2});
  start = {1, 1.75};
  end = {1.5, 2.25};
  const Recording gappy = read_layout(layout, hand);
  CHECK(gappy.sample_times == std::vector<double>{1, 1.25, 1.75, 2});
  CHECK(gappy.target == std::vector<float>{0, 0, 1, 1, 3, 3, 4, 4});
}

TEST_CASE("older files' masks of samples or of trials stand for the domains") {
  Layout layout;
  layout.domains = false;
  layout.more = [](Hdf5Writer& w) {
    w.write("/cursor/train_mask", std::vector<int64_t>{1, 1, 0, 0});
    w.write("/cursor/valid_mask", std::vector<int64_t>{0, 0, 1, 0});
    add_intervals(w, "/trials", {0, 2.5}, {2, 4});
    w.write("/trials/test_mask", std::vector<int64_t>{0, 1});
  };
  const Recording r = read_layout(layout);
  CHECK(same(r.train_domain, {{0, 2}}));
  CHECK(same(r.valid_domain, {{2, 3}}));
  CHECK(same(r.test_domain, {{2.5, 4}}));
}

TEST_CASE("trials are sorted with their columns, and those without length left out") {
  Layout layout;
  layout.more = [](Hdf5Writer& w) {
    add_intervals(w, "/trials", {2, 1, 0}, {3, 1, 1});
    w.write("/trials/target_id", std::vector<double>{5, 6, kNaN});
    add_intervals(w, "/movement_phases/hold_period", {3, 0}, {3, 1});
  };
  const Recording r = read_layout(layout);
  CHECK(same(r.trials.intervals, {{0, 1}, {2, 3}}));
  CHECK(r.trials.target_id == std::vector<int64_t>{-1, 5});
  CHECK(same(r.phases.at("hold_period"), {{0, 1}}));
}

TEST_CASE("a bad recording is refused by file and group") {
  const auto says = [](const std::string& part, const std::function<void(Layout&)>& change) {
    Layout layout;
    change(layout);
    const Outcome outcome = reading(layout);
    INFO(outcome.message);
    CHECK(outcome.code == ExitCode::kBadData);
    CHECK(outcome.says("m.h5: " + part));
  };
  says("spikes: found object 'Data', expected 'IrregularTimeSeries'",
       [](Layout& l) { l.spikes_object = "Data"; });
  says("spikes/timestamps: found 0.5 s after 1.5 s", [](Layout& l) { l.spikes = {1.5, 0.5}; });
  says("spikes/timestamps: found -0.5 s", [](Layout& l) { l.spikes = {-0.5, 0.5}; });
  says("spikes/unit_index: found unit 2, expected 0 to 1", [](Layout& l) { l.units = {0, 2}; });
  says("spikes/unit_index: found 1 values, expected 2", [](Layout& l) { l.units = {0}; });
  says("units/id: unit m_1/a stands twice", [](Layout& l) { l.ids = {"a", "a"}; });
  says("train_domain: the group is missing, and so is every train_mask",
       [](Layout& l) { l.domains = false; });
  says("cursor: the group is missing", [](Layout& l) { l.behaviour = false; });
  says("trials: interval 0 is 2 s to 1 s",
       [](Layout& l) { l.more = [](Hdf5Writer& w) { add_intervals(w, "/trials", {2}, {1}); }; });
  says("test_domain: interval 0 at 1 s has no length", [](Layout& l) {
    l.domains = false;
    l.more = [](Hdf5Writer& w) {
      add_intervals(w, "/train_domain", {0}, {1});
      add_intervals(w, "/valid_domain", {1}, {2});
      add_intervals(w, "/test_domain", {1}, {1});
    };
  });
}

TEST_CASE("a recording without behaviour is read where none is needed") {
  Layout layout;
  layout.behaviour = false;
  const Recording r = read_layout(layout, {"cursor.vel", false});
  CHECK(r.samples() == 0);
  CHECK(r.spikes() == 2);
  CHECK(reading({}, {"cursor", true}).code == ExitCode::kUsage);
  CHECK(reading({}, {"cursor.acc", true}).says("m.h5: /cursor/acc: is not in the file"));
}

TEST_CASE("what is only looked at needs no domains") {
  Layout layout;
  layout.domains = false;
  const Recording r = read_layout(layout, {"cursor.vel", false});
  CHECK(r.samples() == 3);
  CHECK(r.train_domain.empty());
  CHECK(r.layout == "temporaldata");
}

TEST_CASE("the official preparation's task is told from the session's id") {
  const Scratch scratch;
  Recording r = small();
  r.task = "REACHING";
  r.units.clear();
  r.spike_times.clear();
  r.spike_units.clear();
  for (const char* task : {"center_out_reaching", "random_target_reaching"}) {
    r.session = std::string("c_20131003_") + task;
    write_recording(scratch / "x.h5", r);
    CHECK(read_recording(scratch / "x.h5", {}).task == task);
  }
  r.session = "c_20131003";
  write_recording(scratch / "x.h5", r);
  CHECK(read_recording(scratch / "x.h5", {}).task == "REACHING");
}

TEST_CASE("sets of intervals beside the movement's phases are read by name") {
  Layout layout;
  layout.more = [](Hdf5Writer& w) {
    add_intervals(w, "/nlb_eval_intervals", {1}, {1.7});
    add_intervals(w, "/hand_outlier_segments", {2}, {3});
  };
  const Recording r = read_layout(layout);
  CHECK(same(r.phases.at("nlb_eval_intervals"), {{1, 1.7}}));
  CHECK(same(r.phases.at("hand_outlier_segments"), {{2, 3}}));
}

TEST_CASE("a file of another kind is refused") {
  const Scratch scratch;
  Hdf5Writer writer;
  writer.write("/x", std::vector<double>{1});
  writer.save(scratch / "x.h5");
  CHECK(outcome_of([&] {
          read_recording(scratch / "x.h5", {});
        }).says("x.h5: is neither a temporaldata file"));
  CHECK(outcome_of([&] { read_recording(scratch / "none.h5", {}); }).code ==
        ExitCode::kInputMissing);
}

TEST_CASE("the official library's files are read with their stated counts") {
  struct Counts {
    const char* name;
    int64_t units, trials, train, valid, test, train_samples, valid_samples, test_samples, spikes;
  };
  const std::string folder =
      testing::fixtures_folder("poyo-decode", ".h5", "tools/poyo-decode/recording.h");
  if (folder.empty()) TENFOLD_SKIP("no fixtures of poyo-decode");
  for (const Counts& c :
       {Counts{"c_20131003_bin100ms", 174, 159, 111, 16, 32, 1130, 174, 336, 81154},
        Counts{"c_20131003_bin50ms_moving", 174, 159, 119, 16, 37, 1210, 171, 350, 45021},
        Counts{"c_20131219_bin100ms_moving", 155, 180, 131, 19, 37, 586, 82, 167, 44144},
        Counts{"m_20140303_bin100ms_moving", 187, 209, 149, 22, 43, 755, 111, 216, 83055}}) {
    CAPTURE(c.name);
    const Recording r = read_recording(folder + "/" + c.name + ".h5", {});
    CHECK(r.session == c.name);
    CHECK(int64_t(r.units.size()) == c.units);
    CHECK(r.units[0].compare(0, r.session.size(), r.session) == 0);
    CHECK(r.trials.size() == c.trials);
    CHECK(int64_t(r.train_domain.size()) == c.train);
    CHECK(int64_t(r.valid_domain.size()) == c.valid);
    CHECK(int64_t(r.test_domain.size()) == c.test);
    CHECK(samples_inside(r, r.train_domain) == c.train_samples);
    CHECK(samples_inside(r, r.valid_domain) == c.valid_samples);
    CHECK(samples_inside(r, r.test_domain) == c.test_samples);
    CHECK(r.spikes() == c.spikes);
  }
}

}  // namespace tenfold::poyo_decode
