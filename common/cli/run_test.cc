// What a run leaves: exit codes, the result, the run's folder.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "common/cli/toy_for_test.h"
#include "common/core/error.h"
#include "common/io/file.h"

namespace tenfold::cli {
namespace {

using Args = std::vector<std::string>;
using Catch::Matchers::Equals;
using Json = nlohmann::ordered_json;

Json read_json(const std::string& path) { return Json::parse(io::read_text(path)); }

// What `empty` prints: the digest, then the fields that must match.
std::string digest(Args args) {
  args.insert(args.begin(), "empty");
  const Finished done = run_toy(args);
  CHECK(done.code == 0);
  return done.out;
}

}  // namespace

TEST_CASE("the result is one line on stdout with the whole envelope") {
  const Finished done = run_toy({"train", "--seed", "4,5", "--threads", "1"});
  REQUIRE(done.code == 0);
  CHECK(done.err == "training\n");
  CHECK(done.out.find('\n') == done.out.size() - 1);
  const Json result = Json::parse(done.out);
  CHECK(result["schema"] == "toy.train/1");
  CHECK(result["tool"] == "toy");
  CHECK(result["command"] == Json::parse(R"(["toy","train","--seed","4,5","--threads","1"])"));
  CHECK(result["status"] == "complete");
  CHECK(result["config"]["period"] == 1000);
  CHECK(result["config"]["k"] == nullptr);
  CHECK(result["config"]["seed"] == Json::parse("[4,5]"));
  CHECK(result["seeds"] == Json::parse("[4,5]"));
  CHECK(result["environment"]["threads"] == 1);
  for (const char* key : {"device", "gemm", "torch", "cpu"}) {
    CHECK(result["environment"][key].is_string());
  }
  for (const char* key : {"version", "started", "finished"}) CHECK(result[key].is_string());
  CHECK(result["wall_s"] >= 0);
  CHECK(result["cpu_s"] >= 0);
  CHECK(result["peak_rss_mib"] > 1);
  CHECK(done.out.find(R"("accuracy":{"value":0.1})") != std::string::npos);
}

TEST_CASE("--quiet silences the log but not the result, --verbose adds details") {
  const Finished quiet = run_toy({"train", "--quiet"});
  CHECK(quiet.err.empty());
  CHECK(!quiet.out.empty());
  CHECK(run_toy({"train", "-v"}).err == "training\nin detail\n");
}

TEST_CASE("--json FILE takes the place of stdout") {
  const Scratch scratch;
  const Finished done = run_toy({"train", "--json", scratch / "r.json"});
  CHECK(done.code == 0);
  CHECK(done.out.empty());
  CHECK(read_json(scratch / "r.json")["tool"] == "toy");
  CHECK(run_toy({"train", "--json", "-"}).out.rfind("{\"schema\"", 0) == 0);
  CHECK(run_toy({"train", "--json", scratch / "absent/r.json"}).code == 73);
}

TEST_CASE("every exception becomes one line and its exit code") {
  const auto check = [](const std::string& fault, int code, const std::string& line) {
    const Finished done = run_toy({"train", "--quiet", "--fault", fault});
    CHECK(done.code == code);
    CHECK_THAT(done.err, Equals("toy: error: " + line + "\n"));
    CHECK(done.out.empty());
  };
  check("data", 65, "x.gz: truncated");
  check("memory", 70, "out of memory");
  check("torch", 70, "internal: shapes differ");
  check("other", 70, "internal: an exception of an unknown kind");
  check("two-lines", 74, "first second");
  CHECK(run_toy({"score"}).code == 1);
  CHECK(run_toy({"train", "--device", "tpu"}).code == 64);
}

TEST_CASE("a run's folder holds configuration, facts and the result") {
  const Scratch scratch;
  const std::string out = scratch / "deep/run";
  const Finished done = run_toy({"train", "--preset", "small", "--threads", "1", "--out", out});
  REQUIRE(done.code == 0);
  CHECK(io::read_text(out + "/result.json") == done.out);
  const Json config = read_json(out + "/config.json");
  CHECK(config["config"]["period"] == 5);
  CHECK(config["argv"][2] == "--preset");
  CHECK(config["must_match"]["threads"] == 1);
  const Json facts = read_json(out + "/run.json");
  CHECK(facts["exit_reason"] == "complete");
  CHECK(facts["threads"] == 1);
  for (const char* key : {"version", "host", "pid", "start", "end", "gemm", "torch"}) {
    INFO(key);
    CHECK(facts.contains(key));
  }
}

TEST_CASE("run.json tells how the run ended, or that it did not") {
  const Scratch scratch;
  const auto facts_after = [&](const std::string& fault) {
    const std::string out = scratch / fault;
    run_toy({"train", "--out", out, "--fault", fault});
    return read_json(out + "/run.json");
  };
  CHECK_THROWS_AS(facts_after("data"), MissingInput);  // nothing stays of a run that read bad data
  CHECK(facts_after("torch")["exit_reason"] == "error: shapes differ");
  CHECK(facts_after("stop")["exit_reason"] == "stopped after a checkpoint");
  CHECK(!facts_after("crash").contains("end"));
  CHECK(read_json(scratch / "stop/result.json")["status"] == "partial");
}

TEST_CASE("a folder that holds a run is refused without --resume") {
  const Scratch scratch;
  const std::string out = scratch / "run";
  REQUIRE(run_toy({"train", "--out", out}).code == 0);
  const Finished again = run_toy({"train", "--out", out});
  CHECK(again.code == 73);
  CHECK_THAT(again.err, Equals("toy: error: --out " + out +
                               ": holds a run already; go on with --resume auto or choose another "
                               "folder\n"));
  CHECK(run_toy({"train", "--out", out, "--resume", "auto"}).code == 0);
  const Finished analysis = run_toy({"score", "--out", out});
  CHECK(analysis.code == 73);
  CHECK(!analysis.says("--resume"));
}

TEST_CASE("--resume auto starts fresh where there is no run") {
  const Scratch scratch;
  CHECK(run_toy({"train", "--out", scratch / "new", "--resume", "auto"}).code == 0);
}

TEST_CASE("going on from a checkpoint with another configuration is refused and changes nothing") {
  const Scratch scratch;
  const std::string out = scratch / "run";
  REQUIRE(run_toy({"train", "--threads", "1", "--out", out}).code == 0);
  const Args resume = {"train", "--threads", "1", "--out", out, "--resume", "auto"};
  const auto with = [&](const Args& more) {
    Args args = resume;
    args.insert(args.end(), more.begin(), more.end());
    return run_toy(args);
  };
  // Without a checkpoint there is nothing to go on from: the run starts afresh.
  CHECK(with({"--period", "7"}).code == 0);
  io::make_folders(out + "/checkpoints/step-000000500");
  const std::string before = io::read_text(out + "/config.json");
  const Finished other = with({"--period", "8"});
  CHECK(other.code == 78);
  CHECK_THAT(other.err, Equals("toy: error: --period: found 8, but the run was started with 7 (" +
                               out + "/config.json)\n"));
  CHECK(with({"--period", "7", "--seed", "1"}).says("--seed: found [1]"));
  CHECK(run_toy({"train", "--threads", "2", "--period", "7", "--out", out, "--resume", "auto"})
            .says("--threads: found 2, but the run was started with 1"));
  CHECK(io::read_text(out + "/config.json") == before);
  CHECK(with({"--period", "7", "--max-time", "3h", "--files", "x"}).code == 0);
  scratch.file("run/config.json", "{");
  CHECK(with({"--period", "7"}).code == 65);
}

TEST_CASE("what a killed process left unfinished is removed, other files stay") {
  const Scratch scratch;
  const std::string out = scratch / "run";
  io::make_folders(out + "/checkpoints/.tmp-step-000000500");
  for (const char* name : {"result.json.tmp-123-0", "notes.tmp-a", "notes.txt"}) {
    scratch.file(std::string("run/") + name, "x");
  }
  REQUIRE(run_toy({"train", "--out", out}).code == 0);
  CHECK(!io::exists(out + "/result.json.tmp-123-0"));
  CHECK(!io::exists(out + "/checkpoints/.tmp-step-000000500"));
  CHECK(io::exists(out + "/notes.tmp-a"));
  CHECK(io::exists(out + "/notes.txt"));
}

TEST_CASE("a folder that another process holds is refused with its owner") {
  const Scratch scratch;
  const std::string out = scratch / "run";
  io::make_folders(out);
  const io::FolderLock lock(out);
  const Finished done = run_toy({"train", "--out", out});
  CHECK(done.code == 73);
  CHECK(done.says(std::to_string(::getpid())));
}

TEST_CASE("an impossible folder is refused") {
  const Scratch scratch;
  const std::string file = scratch.file("file", "");
  const Finished done = run_toy({"train", "--out", file + "/run"});
  CHECK(done.code == 73);
  CHECK(done.says(file));
}

TEST_CASE("--dry-run makes no folder and still prints the result") {
  const Scratch scratch;
  const Finished done = run_toy({"train", "--dry-run", "--out", scratch / "run"});
  CHECK(done.code == 0);
  CHECK(!done.out.empty());
  CHECK(!io::exists(scratch / "run"));
}

TEST_CASE("a command that writes one file keeps its own --out") {
  const Scratch scratch;
  REQUIRE(run_toy({"convert", "--out", scratch / "f.json"}).code == 0);
  CHECK(read_json(scratch / "f.json")["out"] == scratch / "f.json");
}

TEST_CASE("the digest depends on what must match and on nothing else") {
  const std::string first = digest({"--threads", "1"});
  CHECK_THAT(first, Catch::Contains(" seed=[0] device=\"cpu\" threads=1 eval-every=0\n"));
  CHECK(digest({"--threads", "1", "--quiet", "--max-time", "3h", "--checkpoint-every", "5", "-v",
                "--json", "x"}) == first);
  CHECK(digest({"--threads", "1", "--seed", "1"}) != first);
  CHECK(digest({"--threads", "2"}) != first);
  CHECK(digest({"--threads", "1", "--eval-every", "1"}) != first);
}

}  // namespace tenfold::cli
