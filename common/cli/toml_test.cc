#include "common/cli/toml.h"

#include <catch2/catch.hpp>

#include "common/cli/toy_for_test.h"
#include "common/core/error.h"

namespace tenfold::cli {
namespace {

using Catch::Matchers::Equals;

TomlValue value_of(const std::string& text) {
  return parse_toml("key = " + text, "f.toml").at(0).value;
}

std::string message_of(const std::string& text) {
  try {
    parse_toml(text, "f.toml");
  } catch (const UsageError& e) {
    return e.what();
  }
  return "accepted";
}

// One field of every type of value.
struct Fields {
  int64_t n = 1;
  double x = 0.1;
  bool on = false;
  std::string word = "w", colour = "red";
  std::vector<int64_t> numbers;
  std::vector<std::string> words;
  std::optional<double> maybe;
  std::vector<Field> all = gather_fields([this](FieldVisitor& v) {
    v.number("n", n, {0, 100}, "steps", "a number");
    v.number("x", x, {}, "", "a number");
    v.flag("on", on, "a flag");
    v.text("word", word, "NAME", "a text");
    v.choice("colour", colour, {"red", "blue"}, "a choice");
    v.list("numbers", numbers, {}, "numbers");
    v.list("words", words, {}, "NAME", "words");
    v.number("maybe", maybe, {}, "", "a number or none", "computed");
  });

  void read(const std::string& path) {
    const Inputs inputs = read_config_file(path, all);
    for (Field& f : all) {
      if (inputs.count(f.name) > 0) f.set(inputs.at(f.name));
    }
  }
  std::string message(const Scratch& scratch, const std::string& text) {
    const std::string path = scratch.file("c.toml", text);
    try {
      read(path);
    } catch (const UsageError& e) {
      const std::string what = e.what();
      return what.substr(what.rfind(path, 0) == 0 ? path.size() - 6 : 0);
    }
    return "accepted";
  }
};

}  // namespace

TEST_CASE("TOML values are read") {
  CHECK(value_of("\"a # b\" # comment").text == "a # b");
  CHECK(value_of("'C:\\d'").text == "C:\\d");
  CHECK(value_of(R"("\t\"\\\u00e9\U0001F600")").text == "\t\"\\\xC3\xA9\xF0\x9F\x98\x80");
  CHECK(value_of("1_000").text == "1000");
  CHECK(value_of("+5").text == "5");
  CHECK(value_of("-0.5e-3").text == "-0.5e-3");
  CHECK(value_of("true").type == TomlValue::Type::kTruth);
  CHECK(value_of("[]").items.empty());
  CHECK(value_of("[1, 2,\n 3, # three\n]").items.size() == 3);
}

TEST_CASE("keys, comments, empty lines and Windows line ends are read") {
  const auto entries = parse_toml("\xEF\xBB\xBF# head\r\n\r\na-b_1 = 1\r\n\"k\" = 2 # two\n", "f");
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].key == "a-b_1");
  CHECK(entries[0].line == 3);
  CHECK(entries[1].key == "k");
  CHECK(parse_toml("", "f").empty());
}

TEST_CASE("what is no flat TOML is refused with its line") {
  CHECK_THAT(message_of("\n[section]\n"), Catch::Contains("f.toml:2: found a section"));
  CHECK_THAT(message_of("a = FM-16"), Catch::Contains("f.toml:1: found FM-16, expected"));
  for (const char* text : {"a",
                           "a =",
                           "= 1",
                           "a = 1 2",
                           "a = \"x",
                           "a = 'x\n'",
                           "a = [1",
                           "a = [1 2]",
                           "a = [[1]]",
                           "a.b = 1",
                           "a = 007",
                           "a = .5",
                           "a = 1_",
                           "a = 1__0",
                           "a = nan",
                           "a = inf",
                           "a = 1e",
                           "a = 2020-01-01",
                           "a = \"\\x\"",
                           "a = \"\\u12\"",
                           "a = \"\\uD800\"",
                           "a = \"\"\"x\"\"\"",
                           "a = \"\x01\"",
                           "a = {b = 1}",
                           "a = 1\r",
                           "a = tru",
                           "a = [,]"}) {
    INFO(text);
    CHECK_THAT(message_of(text), Catch::Contains("f.toml:1"));
  }
}

TEST_CASE("every prefix and every changed byte of a file is read or refused, never worse") {
  const std::string text = "# c\na = \"x\\u00e9\\n\"\nb = [1, -2.5e3, true]\n'k' = 1_0\r\n";
  for (size_t i = 0; i <= text.size(); ++i) message_of(text.substr(0, i));
  for (size_t i = 0; i < text.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = text;
      changed[i] = static_cast<char>(c);
      message_of(changed);
    }
  }
  SUCCEED();
}

TEST_CASE("a written configuration reads back to the same values") {
  const Scratch scratch;
  Fields first;
  first.n = 42;
  first.x = 1.0 / 3;
  first.on = true;
  first.word = "quote \" backslash \\ hash # line\nend \x7f\x01 \xC3\xA9";
  first.colour = "blue";
  first.numbers = {-5, INT64_MAX};
  first.words = {"a,b", "", "c d"};
  SECTION("with an optional value") { first.maybe = -1e-300; }
  SECTION("without one") {}
  first.words[1] = "x";
  Fields second;
  second.read(scratch.file("c.toml", fields_to_toml(first.all)));
  CHECK(fields_to_json(second.all) == fields_to_json(first.all));
  CHECK(second.x == first.x);
}

TEST_CASE("an empty optional is told in a comment") {
  CHECK_THAT(fields_to_toml(Fields().all), Catch::Contains("# maybe = (computed)\n"));
}

TEST_CASE("wrong keys and values name file, line and key") {
  const Scratch scratch;
  Fields f;
  const auto message = [&](const std::string& text) { return f.message(scratch, text); };
  CHECK_THAT(message("n = 1\nwort = 2"), Equals("c.toml:2: unknown key wort; did you mean word?"));
  CHECK_THAT(message("n = 1\n\nn = 2"), Equals("c.toml:3: n: given twice"));
  CHECK_THAT(message("n = 101"), Equals("c.toml:1: n: found 101, expected 0..100 steps"));
  CHECK_THAT(message("n = 1.5"), Catch::Contains("c.toml:1: n: found 1.5, expected a whole"));
  CHECK_THAT(message("x = 1e999"), Catch::Contains("c.toml:1: x: found 1e999, expected a finite"));
  CHECK_THAT(message("n = \"1\""), Equals("c.toml:1: n: found a text, expected a number"));
  CHECK_THAT(message("on = 1"), Equals("c.toml:1: on: found a number, expected true or false"));
  CHECK_THAT(message("word = 1"), Equals("c.toml:1: word: found a number, expected a text"));
  CHECK_THAT(message("n = [1]"), Equals("c.toml:1: n: found an array, expected a number"));
  CHECK_THAT(message("words = [1]"), Equals("c.toml:1: words: found a number, expected a text"));
  CHECK_THAT(message("colour = \"reed\""), Catch::Contains("one of red, blue; did you mean red?"));
}

TEST_CASE("a list may be an array, one value, or a text as on the command line") {
  const Scratch scratch;
  Fields f;
  CHECK(f.message(scratch, "numbers = [3, 1]\nwords = \"a,b\"") == "accepted");
  CHECK(f.numbers == std::vector<int64_t>{3, 1});
  CHECK(f.words == std::vector<std::string>{"a", "b"});
  CHECK(f.message(scratch, "numbers = 5") == "accepted");
  CHECK(f.numbers == std::vector<int64_t>{5});
  CHECK(f.message(scratch, "numbers = \"0..2\"") == "accepted");
  CHECK(f.numbers == std::vector<int64_t>{0, 1, 2});
}

}  // namespace tenfold::cli
