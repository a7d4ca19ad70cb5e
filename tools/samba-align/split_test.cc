#include "tools/samba-align/split.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::samba_align {
namespace {

using Catch::Matchers::Contains;

std::vector<int64_t> grid(const Part& part, int64_t length) {
  std::vector<int64_t> starts;
  for (const Window& w : windows_in(part, length, 0, length)) starts.push_back(w.first);
  return starts;
}

std::set<int64_t> frames_in(const Part& part) {
  const std::vector<int64_t> numbers = frame_numbers(part);
  std::set<int64_t> all(numbers.begin(), numbers.end());
  CHECK(all.size() == numbers.size());
  return all;
}

std::vector<int64_t> shared(const Part& a, const Part& b) {
  const std::set<int64_t> x = frames_in(a), y = frames_in(b);
  std::vector<int64_t> both;
  std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(both));
  return both;
}

Parts of_file(const std::string& text, int64_t frames = 300) {
  const io::Scratch scratch;
  const std::string path = scratch / "parts.json";
  io::write_file_atomic(path, text);
  return split_parts(path, frames, 10, 0);
}

}  // namespace

TEST_CASE("the released list of 200 windows is kept with its faults") {
  const Parts p = split_parts("reference-eeg", 3000, 15, 0);
  CHECK(frame_numbers(p.train).size() == 181 * 15);
  CHECK(grid(p.test, 15).size() == 19);
  CHECK(grid(p.valid, 15) ==
        std::vector<int64_t>{19 * 15, 89 * 15, 94 * 15, 99 * 15, 130 * 15, 148 * 15, 183 * 15});
  CHECK(shared(p.train, p.test).empty());
  const std::vector<int64_t> twice = shared(p.valid, p.test);
  REQUIRE(twice.size() == 15);
  CHECK(twice.front() == 130 * 15);  // window 131
  CHECK(shared(p.train, p.valid).size() == 6 * 15);
  CHECK_THROWS_WITH(split_parts("reference-eeg", 1800, 15, 0),
                    Contains("found 120 windows of 15 frames, expected 200"));
}

TEST_CASE("the released half minutes are every second frame, and every one is in one part") {
  const Parts p = split_parts("reference-meg", 117 * 30 + 5, 15, 0);
  CHECK(greatest_stride(p) == 2);
  CHECK(grid(p.test, 15).size() == 20);
  CHECK(grid(p.valid, 15).size() == 7);
  CHECK(grid(p.train, 15).size() == 2 * 117 - 27);
  CHECK(shared(p.train, p.test).empty());
  CHECK(shared(p.train, p.valid).empty());
  CHECK(shared(p.valid, p.test).empty());
  // 004_1 tests: the odd frames of the fourth minute; its even ones train.
  CHECK(frames_in(p.test).count(3 * 30 + 1) == 1);
  CHECK(frames_in(p.test).count(3 * 30 + 29) == 1);
  CHECK(frames_in(p.train).count(3 * 30) == 1);
  CHECK_THROWS_WITH(split_parts("reference-meg", 102 * 30, 15, 0),
                    Contains("found 102 minutes of 30 frames, expected 103"));
}

TEST_CASE("a file names windows, half minutes and stretches of frames") {
  const Parts p =
      of_file(R"({"train": [[0, 95], 11, 12], "valid": ["009_0"], "test": [[250, 300]]})");
  REQUIRE(p.train.size() == 2);  // windows 11 and 12 are one stretch
  CHECK(p.train[0].end == 95);
  CHECK(p.train[1].first == 100);
  CHECK(p.train[1].end == 120);
  CHECK(frame_numbers(p.valid) ==
        std::vector<int64_t>{160, 162, 164, 166, 168, 170, 172, 174, 176, 178});
  CHECK(grid(p.test, 10) == std::vector<int64_t>{250, 260, 270, 280, 290});
}

TEST_CASE("a file that leaks, reaches too far or says something else is refused") {
  const auto refused = [](const std::string& text, const std::string& reason) {
    CAPTURE(text);
    CHECK_THROWS_AS(of_file(text), DataError);
    CHECK_THROWS_WITH(of_file(text), Contains(reason));
  };
  refused(R"({"train": [[0, 100]], "valid": [[100, 120]], "test": [[119, 200]]})",
          "test: found frame 119 (of [119,200]) in valid already");
  refused(R"({"train": [[0, 100]], "valid": ["006_1"], "test": [12]})",
          "test: found frame 111 (of 12) in valid already");
  refused(R"({"train": [[0, 301]], "valid": [11], "test": [12]})", "expected 0 to 300");
  refused(R"({"train": [31], "valid": [11], "test": [12]})", "expected 0 to 300");
  refused(R"({"train": [0], "valid": [11], "test": [12]})", "expected 0 to 300");
  refused(R"({"train": [9223372036854775807], "valid": [11], "test": [12]})", "expected 0 to 300");
  refused(R"({"train": ["999999999_1"], "valid": [11], "test": [12]})", "expected 0 to 300");
  refused(R"({"train": [[9, 9]], "valid": [11], "test": [12]})", "found [9,9], expected a window");
  refused(R"({"train": ["1_2"], "valid": [11], "test": [12]})", "expected a window's number");
  refused(R"({"train": [1.5], "valid": [11], "test": [12]})", "expected a window's number");
  refused(R"({"train": [1], "valid": [11]})", "test: found nothing, expected a list");
  refused(R"({"train": [1], "valid": [11], "test": []})", "test: found [], expected a list");
  refused(R"({"train": 5, "valid": [11], "test": [12]})", "train: found 5, expected a list");
  refused(R"({"train": [[275, 400]], "valid": [11], "test": [12]})", "is frames 275 to 400");
  refused(R"({"train": [1], "validation": [11], "test": [12]})", "found 'validation'");
  refused("[1, 2]", "expected an object");
  refused("train", "found no JSON");
  CHECK_THROWS_AS(split_parts("/nonexistent/parts.json", 300, 10, 0), MissingInput);
  CHECK_THROWS_AS(split_parts("blockd", 300, 10, 0), UsageError);
}

}  // namespace tenfold::samba_align
