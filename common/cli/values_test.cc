#include "common/cli/values.h"

#include <catch2/catch.hpp>

#include "common/cli/suggest.h"
#include "common/core/error.h"

namespace tenfold::cli {
namespace {

using Catch::Matchers::Equals;

template <class Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const UsageError& e) {
    return e.what();
  }
  return "accepted";
}

std::string integer(const std::string& text, Range range = {}, const std::string& unit = "") {
  return message_of([&] { parse_number<int64_t>(text, "--n", range, unit); });
}

std::string real(const std::string& text, Range range = {}) {
  return message_of([&] { parse_number<double>(text, "--x", range, ""); });
}

Input given(const std::string& text) { return {"--list", text, std::nullopt}; }

}  // namespace

TEST_CASE("a number outside its range is answered with the range and the unit") {
  CHECK_THAT(integer("0", {1, kNoLimit}, "steps"),
             Equals("--n: found 0, expected 1 or more steps"));
  CHECK_THAT(integer("-1", {0, 1e6}), Equals("--n: found -1, expected 0..1000000"));
  CHECK_THAT(real("11", {-kNoLimit, 1e-6}), Equals("--x: found 11, expected 1e-06 or less"));
}

TEST_CASE("malformed numbers are refused whole") {
  for (const char* text : {"", " 1", "1 ", "1x", "0x10", "1e3", "1.0", "--1", "+1", "1,2"}) {
    INFO(text);
    CHECK_THAT(integer(text), Catch::Contains("expected a whole number"));
  }
  for (const char* text : {"", "abc", "1e999", "-1e999", "nan", "inf", "1.5.", "1,5", "1e", " 1"}) {
    INFO(text);
    CHECK_THAT(real(text), Catch::Contains("expected a finite number"));
  }
}

TEST_CASE("an integer that does not fit 64 bits is refused, the largest that fits is taken") {
  CHECK_THAT(integer("9223372036854775808"), Catch::Contains("fits 64 bits"));
  CHECK_THAT(integer("-9223372036854775809"), Catch::Contains("fits 64 bits"));
  CHECK(parse_number<int64_t>("9223372036854775807", "", {}, "") == INT64_MAX);
  CHECK(parse_number<int64_t>("-9223372036854775808", "", {}, "") == INT64_MIN);
}

TEST_CASE("lists of integers take commas and rising ranges") {
  CHECK(parse_integers(given("1000,2000"), {}) == std::vector<int64_t>{1000, 2000});
  CHECK(parse_integers(given("-1..2,7"), {}) == std::vector<int64_t>{-1, 0, 1, 2, 7});
  CHECK(parse_integers(given("12,24,24"), {}) == std::vector<int64_t>{12, 24, 24});
  CHECK(parse_integers(given(""), {}).empty());
  CHECK(parse_integers(given("1..100000"), {}).size() == 100'000);
}

TEST_CASE("lists of integers refuse too many, falling ranges and junk") {
  const auto message = [](const std::string& text, Range range = {}) {
    return message_of([&] { parse_integers(given(text), range); });
  };
  CHECK_THAT(message("0..100000"), Catch::Contains("at most 100000 numbers"));
  CHECK_THAT(message("1..60000,1..60000"), Catch::Contains("at most 100000 numbers"));
  CHECK_THAT(message("-9223372036854775808..9223372036854775807"), Catch::Contains("at most"));
  CHECK_THAT(message("5..3"), Catch::Contains("rising range"));
  CHECK_THAT(message("1,,2"), Catch::Contains("found nothing"));
  CHECK_THAT(message("1,2,"), Catch::Contains("found nothing"));
  CHECK_THAT(message("1...3"), Catch::Contains("whole number"));
  CHECK_THAT(message("..3"), Catch::Contains("found nothing"));
  CHECK_THAT(message("1,-2", {0, kNoLimit}), Equals("--list: found -2, expected 0 or more"));
}

TEST_CASE("lists of texts refuse duplicates and what is no choice") {
  const std::vector<std::string> choices = {"none", "nino"};
  const auto message = [&](const std::string& text) {
    return message_of([&] { parse_texts(given(text), choices); });
  };
  CHECK(parse_texts(given("nino,none"), choices) == std::vector<std::string>{"nino", "none"});
  CHECK_THAT(message("nino,nino"), Equals("--list: nino stands twice"));
  CHECK_THAT(message("none,ninu"),
             Equals("--list: found ninu, expected one of none, nino; did you mean nino?"));
  // An array of a file is not split.
  CHECK(parse_texts({"f", "", std::vector<std::string>{"a,b"}}, {}).size() == 1);
}

TEST_CASE("durations take hours, minutes and seconds") {
  CHECK(parse_duration("3h55m") == 14100);
  CHECK(parse_duration("90s") == 90);
  CHECK(parse_duration("2m") == 120);
  CHECK(parse_duration("90") == 90);
  CHECK(parse_duration("1.5h") == 5400);
  CHECK(parse_duration("") == 0);
  for (const char* text :
       {"0", "-5", "h", "3x", "5m3h", "3h3h", "1e3", "inf", "nan", "3h ", "5ms"}) {
    INFO(text);
    CHECK_THAT(message_of([&] { parse_duration(text); }), Catch::Contains("--max-time: found"));
  }
}

TEST_CASE("the nearest word is suggested, and none where none is near") {
  const std::vector<std::string> words = {"period", "preset", "k", "max-train-steps"};
  CHECK(nearest("perid", words) == "period");
  CHECK(nearest("max_train_steps", words) == "max-train-steps");
  CHECK(nearest("max-steps", words).empty());
  CHECK(nearest("xylophone", words).empty());
  CHECK(nearest("q", words).empty());
  CHECK(suggestion("perid", words, "--") == "; did you mean --period?");
  CHECK(suggestion("xylophone", words).empty());
}

TEST_CASE("messages stay on one short line whatever was given") {
  const std::string message = integer("a\nb" + std::string(5000, 'c'));
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.size() < 200);
}

}  // namespace tenfold::cli
