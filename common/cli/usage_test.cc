// The command line as a user meets it: what is taken, what is refused and how.
#include <catch2/catch.hpp>

#include "common/cli/toy_for_test.h"

namespace tenfold::cli {
namespace {

using Args = std::vector<std::string>;
using Catch::Matchers::Equals;

// Exit code 64 and exactly this line.
void refused(const Args& args, const std::string& line) {
  const Finished done = run_toy(args);
  CHECK_THAT(done.err, Equals("toy: error: " + line + "\n"));
  CHECK(done.code == 64);
  CHECK(done.out.empty());
}

// The line of --print-config that gives `key`.
std::string printed(Args args, const std::string& key,
                    const std::map<std::string, std::string>& environment = {}) {
  args.push_back("--print-config");
  const Finished done = run_toy(args, environment);
  INFO(done.err);
  CHECK(done.code == 0);
  const size_t from = done.out.find("\n" + key + " = ");
  if (from == std::string::npos) return "absent";
  return done.out.substr(from + 1, done.out.find('\n', from + 1) - from - 1);
}

}  // namespace

TEST_CASE("a subcommand may have its own defaults of common options") {
  CHECK(printed({"train"}, "eval-every") == "eval-every = 25");
  CHECK(printed({"train", "--eval-every", "0"}, "eval-every") == "eval-every = 0");
}

TEST_CASE("unknown options and subcommands are answered with the nearest") {
  refused({"train", "--perid", "5"}, "unknown option --perid; did you mean --period?");
  refused({"train", "--perid=5"}, "unknown option --perid; did you mean --period?");
  refused({"train", "--no-fats"}, "unknown option --no-fats; did you mean --no-fast?");
  refused({"train", "--zzzzzzzzzzzz"}, "unknown option --zzzzzzzzzzzz");
  refused({"train", "-x"}, "unknown option -x");
  refused({"tran"}, "unknown subcommand tran; did you mean train?");
  refused({"--period", "5"}, "--period: expected a subcommand before the options; see --help");
  refused({"train", "stray"}, "unexpected argument 'stray'; options begin with --");
  refused({"train", "--period", "5", "6"}, "unexpected argument '6'; options begin with --");
}

TEST_CASE("a negative value is a value, not an option") {
  refused({"train", "--seed", "-1"}, "--seed: found -1, expected 0 or more");
  refused({"train", "--seed=-1"}, "--seed: found -1, expected 0 or more");
  refused({"train", "--lr", "-.5"}, "--lr: found -.5, expected 0..10");
  refused({"train", "--period", "-v"},
          "--period: found -v, expected a whole number, 1 or more steps");
}

TEST_CASE("wrong values name the option, what was found and what was expected") {
  refused({"train", "--period", "0"}, "--period: found 0, expected 1 or more steps");
  refused({"train", "--lr", "abc"}, "--lr: found abc, expected a finite number, 0..10");
  refused({"train", "--lr", "1e999"}, "--lr: found 1e999, expected a finite number, 0..10");
  refused({"train", "--lr", "0.1x"}, "--lr: found 0.1x, expected a finite number, 0..10");
  refused({"train", "--period", "9223372036854775808"},
          "--period: found 9223372036854775808, expected a whole number that fits 64 bits (at most "
          "9223372036854775807)");
  refused({"train", "--task", "smal-net"},
          "--task: found smal-net, expected one of small-net, large-net; did you mean small-net?");
  refused({"train", "--methods", "none,none"}, "--methods: none stands twice");
  refused({"train", "--seed", "1,2,1"}, "--seed: a seed stands twice");
  refused({"train", "--seed", ""}, "--seed: found nothing, expected a number or a list");
  refused({"train", "--seed", "0..100000"},
          "--seed: found 0..100000, expected at most 100000 numbers in all");
  refused({"train", "--max-time", "soon"},
          "--max-time: found soon, expected a time above zero such as 3h55m, 90s or seconds");
  refused({"train", "--period", "2000000"}, "--period: too long for --max-train-steps");
}

TEST_CASE("missing and superfluous values are refused") {
  refused({"train", "--period"}, "--period: found nothing, expected a value N");
  refused({"train", "--period="}, "--period: found nothing after =, expected a value N");
  refused({"train", "--out", "--quiet"}, "--out: found the option --quiet, expected a value DIR");
  refused({"train", "--fast=true"},
          "--fast: found true, expected no value; --no-fast is its opposite");
  refused({"train", "--no-bias=1"}, "--no-bias: found 1, expected no value");
}

TEST_CASE("an option given twice is refused") {
  refused({"train", "--period", "5", "--period", "6"}, "--period: given twice");
  refused({"train", "--fast", "--fast"}, "--fast: given twice");
  refused({"train", "--fast", "--no-fast"}, "--fast: given twice");
  refused({"train", "-v", "--verbose"}, "--verbose: given twice");
}

TEST_CASE("flags have an opposite unless they are one") {
  CHECK(printed({"train", "--no-careful"}, "careful") == "careful = false");
  CHECK(printed({"train", "--fast"}, "fast") == "fast = true");
  CHECK(printed({"train", "--no-bias"}, "no-bias") == "no-bias = true");
  CHECK(printed({"train", "-v"}, "verbose") == "verbose = true");
  refused({"train", "--no-no-bias"}, "unknown option --no-no-bias; did you mean --no-bias?");
}

TEST_CASE("the command line wins over environment, file, preset and default") {
  const Scratch scratch;
  const std::string file = scratch.file("c.toml", "period = 50\n");
  CHECK(printed({"train"}, "period") == "period = 1000");
  CHECK(printed({"train", "--preset", "small"}, "period") == "period = 5");
  const Args args = {"train", "--preset", "small", "--config", file};
  CHECK(printed(args, "period") == "period = 50");
  CHECK(printed(args, "seed") == "seed = [7,8]");
  const std::map<std::string, std::string> environment = {{"TENFOLD_PERIOD", "60"}};
  CHECK(printed(args, "period", environment) == "period = 60");
  Args with_period = args;
  with_period.insert(with_period.end(), {"--period", "70"});
  CHECK(printed(with_period, "period", environment) == "period = 70");
}

TEST_CASE("preset and file may come from any source") {
  const Scratch scratch;
  const std::string file = scratch.file("c.toml", "preset = \"paper\"\n");
  CHECK(printed({"train", "--config", file}, "period") == "period = 500");
  CHECK(printed({"train"}, "period", {{"TENFOLD_CONFIG", file}}) == "period = 500");
  CHECK(printed({"train"}, "period", {{"TENFOLD_PRESET", "small"}}) == "period = 5");
  CHECK(printed({"train", "--preset", "small"}, "period", {{"TENFOLD_CONFIG", file}}) ==
        "period = 5");
  refused({"train", "--preset", "smal"},
          "--preset: found smal, expected one of small, paper; did you mean small?");
  refused({"convert", "--preset", "small"}, "unknown option --preset");
}

TEST_CASE("a wrong environment variable is named, an empty one is not set") {
  const Finished done = run_toy({"train"}, {{"TENFOLD_MAX_TRAIN_STEPS", "0"}});
  CHECK(done.code == 64);
  CHECK_THAT(done.err, Equals("toy: error: TENFOLD_MAX_TRAIN_STEPS: found 0, expected 1..1000000 "
                              "steps\n"));
  CHECK(printed({"train"}, "period", {{"TENFOLD_PERIOD", ""}}) == "period = 1000");
}

TEST_CASE("a missing file exits with 66, a wrong one with 64 and its line") {
  const Scratch scratch;
  const Finished missing = run_toy({"train", "--config", scratch / "nothing.toml"});
  CHECK(missing.code == 66);
  CHECK(missing.says("nothing.toml"));
  CHECK(run_toy({"train", "--config", scratch / "."}).code == 66);
  const auto wrong = [&](const std::string& text, const std::string& line) {
    const std::string path = scratch.file("c.toml", text);
    refused({"train", "--config", path}, path + line);
  };
  wrong("# c\nperoid = 5\n", ":2: unknown key peroid; did you mean period?");
  wrong("period 5\n", ":1: expected a line `key = value`");
  wrong("period = 0\n", ":1: period: found 0, expected 1 or more steps");
  wrong("config = \"x\"\n", ":1: config: only on the command line");
}

TEST_CASE("a printed configuration reads back to the same") {
  const Scratch scratch;
  const Finished first =
      run_toy({"train",        "--preset",      "small",      "--lr",      "0.1",     "--name",
               "a \"b\" #\\c", "--k",           "3",          "--methods", "linefit", "--hidden",
               "5,5",          "--fast",        "--max-time", "3h",        "--seed",  "0..3",
               "--no-careful", "--print-config"});
  REQUIRE(first.code == 0);
  const std::string file = scratch.file("c.toml", first.out);
  CHECK_THAT(run_toy({"train", "--config", file, "--print-config"}).out, Equals(first.out));
  CHECK(first.prints("# target = (the task's own)\n"));
}

TEST_CASE("auto takes back a number that may be absent, and no other") {
  const Scratch scratch;
  const std::string file = scratch.file("c.toml", "k = 3\ntarget = 5\n");
  CHECK(printed({"train", "--config", file}, "k") == "k = 3");
  CHECK(printed({"train", "--config", file, "--k", "auto"}, "# k") == "# k = (the schedule)");
  refused({"train", "--lr", "auto"}, "--lr: found auto, expected a finite number, 0..10");
}

TEST_CASE("options that make no sense together are refused") {
  refused({"train", "--resume", "auto"}, "--resume auto: needs --out DIR, the run's folder");
  refused({"score", "--resume", "auto"}, "unknown option --resume");
}

}  // namespace tenfold::cli
