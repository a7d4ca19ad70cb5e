#include "common/io/bids.h"

#include <catch2/catch.hpp>

#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

std::vector<SignalEvent> parse(const std::string& text) {
  return parse_events_tsv(bytes_of(text), "e.tsv");
}

std::string fault(const std::string& text) {
  return outcome_of([&] { parse(text); }).message;
}

}  // namespace

TEST_CASE("events are sorted, n/a onsets left out, n/a durations 0") {
  const auto events = parse(
      "onset\tduration\tresponse\ttrial_type\n4\t2\tx\thouse\nn/a\t1\ty\tface\n1.5\tn/"
      "a\tz\tface\n");
  REQUIRE(events.size() == 2);
  CHECK((events[0].onset_s == 1.5 && events[0].duration_s == 0 && events[0].label == "face"));
  CHECK((events[1].onset_s == 4 && events[1].duration_s == 2 && events[1].label == "house"));
  CHECK(parse("onset\tduration\n1\t1\n")[0].label == "event");
  CHECK(fault("onset\tlength\n1\t1\n") ==
        "e.tsv:1: found columns onset, length, expected onset and duration (between tabs)");
  CHECK(parse("onset\tduration\ttrial_type\n1\t2\tn/a\n3\t1\tx\n").size() == 1);
  CHECK(fault("onset\tduration\n1\t-1\n") == "e.tsv:2: duration: found -1, expected 0 or more");
  CHECK(fault("onset\tduration\nx\t1\n").find("e.tsv:2: column onset: found 'x'") == 0);
}

TEST_CASE("the label of a time is that of the last event that holds it") {
  const auto events = parse("onset\tduration\ttrial_type\n0\t10\tb\n2\t3\ta\n8\t1\tc\n20\t0\td\n");
  const std::vector<std::string> names = label_names(events);
  CHECK(names == std::vector<std::string>{"a", "b", "c", "d"});
  // 5 is a's end, where b goes on; 10 is b's; d has no length.
  CHECK(labels_at({0, 2, 4.9, 5, 8.5, 9, 10, 20}, events, names) ==
        std::vector<int32_t>{1, 0, 0, 1, 2, 1, -1, -1});
  CHECK(label_names(parse("onset\tduration\ttrial_type\n0\t1\t10\n1\t1\t9\n")) ==
        std::vector<std::string>{"9", "10"});
}

TEST_CASE("events that begin outside of the recording are refused") {
  const auto inside = [](const std::string& onset) {
    const auto events = parse("onset\tduration\ttrial_type\n" + onset + "\t5\tface\n");
    return outcome_of([&] { require_events_inside(events, 60, "e.tsv"); });
  };
  CHECK(inside("59.5").ok());
  CHECK(inside("60").message == "e.tsv: found 'face' at 60 s, outside of the recording of 60 s");
  CHECK(inside("-1").code == ExitCode::kBadData);
}

TEST_CASE("a repetition time is seconds") {
  const auto tr = [](const std::string& json) { return parse_repetition_time(json, "b.json"); };
  CHECK(tr("{\"RepetitionTime\": 0.72}") == 0.72);
  CHECK(outcome_of([&] { tr("{\"RepetitionTime\": 720}"); }).says("(is it in ms?)"));
  CHECK(outcome_of([&] { tr("{}"); }).says("b.json: found no number RepetitionTime"));
  CHECK(outcome_of([&] { tr("{"); }).says("found no JSON object"));
}

TEST_CASE("sidecar and events lie beside the images") {
  const Scratch scratch;
  const std::string image = scratch / "sub-01_task-rest_bold.nii.gz";
  CHECK((sidecars_of(image).empty() && events_files_of(image).empty()));
  CHECK_FALSE(repetition_time_of(image));
  write_file_atomic(scratch / "sub-01_task-rest_bold.json", "{}");
  write_file_atomic(scratch / "sub-01_task-rest_events.tsv", "");
  write_file_atomic(scratch / "sub-02_task-rest_bold.json", "{}");
  CHECK(sidecars_of(image) == std::vector{scratch / "sub-01_task-rest_bold.json"});
  CHECK(events_files_of(image) == std::vector{scratch / "sub-01_task-rest_events.tsv"});
  CHECK(outcome_of([&] { repetition_time_of(image); }).says("found no number RepetitionTime"));
  write_file_atomic(scratch / "rest.json", "{}");
  CHECK(sidecars_of(scratch / "rest.nii") == std::vector{scratch / "rest.json"});
  for (const char* end : {"npy", "mat", "dtseries.nii"}) {
    const std::string series = scratch / "sub-01_task-rest_bold." + end;
    CHECK(events_files_of(series) == std::vector{scratch / "sub-01_task-rest_events.tsv"});
  }
  CHECK(events_files_of(scratch / "rest.nii").empty());
}

TEST_CASE("in a data set what lies further up holds too, the nearest first") {
  const Scratch scratch;
  const std::string top = scratch / "set", func = top + "/sub-01/ses-a/func";
  make_folders(func);
  const std::string image = func + "/sub-01_ses-a_task-rest_run-2_bold.nii.gz";
  write_file_atomic(top + "/task-rest_bold.json", R"({"RepetitionTime": 2.5})");
  write_file_atomic(top + "/task-nap_bold.json", R"({"RepetitionTime": 9})");
  write_file_atomic(top + "/task-rest_events.tsv", "");
  CHECK(sidecars_of(image).empty());  // of a folder that is no data set's
  write_file_atomic(top + "/dataset_description.json", "{}");
  const auto time = [&] { return repetition_time_of(image); };
  REQUIRE(time());
  CHECK(time()->tr == 2.5);
  CHECK(time()->path == top + "/task-rest_bold.json");
  CHECK(events_files_of(image) == std::vector{top + "/task-rest_events.tsv"});
  // A nearer one without a time leaves it to those further up; with one it wins.
  const std::string own = func + "/sub-01_ses-a_task-rest_run-2_bold.json";
  write_file_atomic(own, R"({"EchoTime": 0.03})");
  CHECK(time()->tr == 2.5);
  CHECK(sidecars_of(image) == std::vector{own, top + "/task-rest_bold.json"});
  write_file_atomic(top + "/sub-01/sub-01_task-rest_bold.json", R"({"RepetitionTime": 3})");
  CHECK(time()->tr == 3);
  write_file_atomic(own, R"({"RepetitionTime": 1.5})");
  CHECK(time()->tr == 1.5);
  // Of two in a folder the one that says more.
  write_file_atomic(top + "/sub-01/sub-01_task-rest_run-2_bold.json", "{}");
  CHECK(sidecars_of(image)[1] == top + "/sub-01/sub-01_task-rest_run-2_bold.json");
}

}  // namespace tenfold::io
