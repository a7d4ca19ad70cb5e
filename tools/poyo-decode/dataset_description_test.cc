#include "tools/poyo-decode/dataset_description.h"

#include <catch2/catch.hpp>

#include "common/io/file.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::poyo_decode {
namespace {

using io::Outcome;
using io::outcome_of;
using io::Scratch;

using Weights = std::map<std::string, double>;
using Texts = std::vector<std::string>;

DatasetDescription of_file(const std::string& toml) {
  const Scratch scratch;
  io::write_file_atomic(scratch / "lab.toml", toml);
  return describe(scratch / "lab.toml");
}

Outcome reading(const std::string& toml) {
  return outcome_of([&] { of_file(toml); });
}

Weights weights_of_file(const std::string& toml, const std::string& task) {
  const Scratch scratch;
  io::write_file_atomic(scratch / "w.toml", toml);
  return loss_weights({}, scratch / "w.toml", task);
}

}  // namespace

TEST_CASE("the built-in data sets have the paper's constants") {
  for (const auto& [name, deviation] : Weights{{"perich", 20},
                                               {"churchland", 800},
                                               {"odoherty", 200},
                                               {"flint", 0.4},
                                               {"nlb-maze", 100}}) {
    CAPTURE(name);
    CHECK(describe(name).normalize_std == deviation);
  }
  for (const char* name : {"perich", "churchland", "odoherty"})
    CHECK(describe(name).readout == "cursor.vel");
  for (const char* name : {"flint", "nlb-maze", "nlb-rtt"})
    CHECK(describe(name).readout == "hand.vel");
}

TEST_CASE("the paper's weights are by task for Perich and by set for Churchland") {
  const DatasetDescription perich = describe("perich");
  CHECK(loss_weights(perich, "paper", "center_out_reaching") ==
        Weights{{"random_period", 1},
                {"hold_period", 0.1},
                {"reach_period", 5},
                {"return_period", 1},
                {"invalid", 0.1},
                {"cursor_outlier_segments", 0}});
  CHECK(loss_weights(perich, "paper", "random_target_reaching") ==
        Weights{{"random_period", 1}, {"hold_period", 0.1}, {"cursor_outlier_segments", 0}});
  CHECK(loss_weights(perich, "paper", "REACHING").empty());
  CHECK(loss_weights(perich, "uniform", "center_out_reaching").empty());
  CHECK(loss_weights(describe("churchland"), "paper", "any").at("reach_period") == 5);
  for (const char* name : {"odoherty", "flint", "nlb-maze", "nlb-rtt"})
    CHECK(loss_weights(describe(name), "paper", "any").empty());
}

TEST_CASE("only Perich's phases and NLB's intervals are scored apart") {
  CHECK(scored_sets(describe("perich"), "center_out_reaching") == Texts{"reach_period"});
  CHECK(scored_sets(describe("perich"), "random_target_reaching") == Texts{"random_period"});
  CHECK(scored_sets(describe("perich"), "").empty());
  CHECK(scored_sets(describe("nlb-maze"), "maze") == Texts{"nlb_eval_intervals"});
  CHECK(scored_sets(describe("nlb-rtt"), "random_target_reaching").empty());
  CHECK(scored_sets(describe("churchland"), "center_out_reaching").empty());
}

TEST_CASE("a file changes what it names and takes the rest from a built-in") {
  const DatasetDescription d = of_file(
      "like = \"churchland\"\n"
      "normalize-std = 12.5\n"
      "loss-weights = [\"reach_period:7\", \"maze/hold_period:0\"]\n"
      "scored = [\"reach_period\"]\n"
      "convert = true\n");
  CHECK(d.readout == "cursor.vel");
  CHECK(d.intervals == "churchland");
  CHECK(d.normalize_std == 12.5);
  CHECK(d.convert);
  CHECK(loss_weights(d, "paper", "maze") == Weights{{"reach_period", 7}, {"hold_period", 0}});
  CHECK(loss_weights(d, "paper", "other") == Weights{{"reach_period", 7}});
  CHECK(of_file("readout = \"hand.vel\"\n").loss_weights == describe("perich").loss_weights);
}

TEST_CASE("a bad description is refused by line and key") {
  CHECK(reading("\nlike = \"nobody\"\n").says("lab.toml:2: like: found nobody, expected one of"));
  CHECK(reading("normalise-std = 3\n").says("unknown key normalise-std; did you mean"));
  CHECK(reading("normalize-std = 0\n").says("lab.toml:1: normalize-std: found 0"));
  CHECK(reading("readout = \"cursor\"\n").says("lab.toml:1: readout: found cursor"));
  CHECK(reading("split = \"thirds\"\n").says("lab.toml:1: split: found thirds"));
  CHECK(reading("loss-weights = [\"reach_period\"]\n")
            .says("lab.toml:1: loss-weights: found reach_period, expected [TASK/]SET:WEIGHT"));
  CHECK(reading("loss-weights = [\"a:-1\"]\n").says("loss-weights: found -1, expected 0..1000000"));
  CHECK(reading("[perich]\n").code == ExitCode::kUsage);
  CHECK(outcome_of([] { describe("perch"); }).says("--dataset: found perch, expected one of"));
  CHECK(outcome_of([] { describe("none.toml"); }).code == ExitCode::kInputMissing);
}

TEST_CASE("weights may come from a file of their own") {
  const std::string toml = "reach_period = 50 # paper-era\n\"maze/hold_period\" = 0.5\n";
  CHECK(weights_of_file(toml, "maze") == Weights{{"reach_period", 50}, {"hold_period", 0.5}});
  CHECK(weights_of_file(toml, "") == Weights{{"reach_period", 50}});
  CHECK(outcome_of([] { weights_of_file("a = \"x\"\n", ""); }).says("w.toml:1: a: found x"));
  CHECK(outcome_of([] { weights_of_file("a = -1\n", ""); }).says("w.toml:1: a: found -1"));
  CHECK(outcome_of([] { weights_of_file("a = 1\na = 2\n", ""); }).says("w.toml:2: a: given twice"));
  CHECK(outcome_of([] { loss_weights({}, "nothing.toml", ""); }).code == ExitCode::kInputMissing);
}

}  // namespace tenfold::poyo_decode
