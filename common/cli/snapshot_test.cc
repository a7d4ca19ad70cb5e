#include "common/cli/snapshot.h"

#include <catch2/catch.hpp>
#include <memory>

#include "common/cli/fields.h"
#include "common/core/error.h"

namespace tenfold::cli {
namespace {

struct Config {
  bool fast = true;
  int64_t n = 3;
  double lr = 0.5;
  std::optional<int64_t> steps = 7;
  std::optional<double> sigma;
  std::string name = "a", kind = "x";
  std::vector<int64_t> seeds = {1};
  std::vector<std::string> words = {"u"};

  void visit(FieldVisitor& v) {
    v.group("All");
    v.flag("fast", fast, "");
    v.number("n", n, {}, "", "");
    v.number("lr", lr, {}, "", "");
    v.number("steps", steps, {}, "", "", "");
    v.number("sigma", sigma, {}, "", "", "");
    v.text("name", name, "T", "");
    v.choice("kind", kind, {"x", "y"}, "");
    v.list("seeds", seeds, {}, "");
    v.list("words", words, {}, "W", "");
  }
};

std::string json_of(Config& config) {
  return fields_to_json(gather_fields([&](FieldVisitor& v) { config.visit(v); }));
}

}  // namespace

TEST_CASE("what a run writes of its configuration reads back, empty fields too") {
  Config written;
  written.fast = false;
  written.n = -4;
  written.lr = 1e-3;
  written.steps.reset();
  written.sigma = 0.25;
  written.name = "b \"c\"";
  written.kind = "y";
  written.seeds = {5, 6};
  written.words = {};
  const std::string json = json_of(written);
  Config read = config_from_snapshot<Config>(json, "here");
  CHECK(json_of(read) == json);
  CHECK(json != json_of(*std::make_unique<Config>()));
}

TEST_CASE("a missing field keeps its value and a wrong one is refused by name") {
  Config read = config_from_snapshot<Config>("{\"n\": 9}", "here");
  CHECK(read.n == 9);
  CHECK(read.steps == 7);
  CHECK_THROWS_WITH(config_from_snapshot<Config>("{\"lr\": \"fast\"}", "here"),
                    "here: option lr: found \"fast\"");
  CHECK_THROWS_AS(config_from_snapshot<Config>("[1]", "here"), DataError);
  CHECK_THROWS_AS(config_from_snapshot<Config>("{", "here"), DataError);
}

}  // namespace tenfold::cli
