#include "common/log/result.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/core/error.h"

namespace tenfold::log {
namespace {

using Json = nlohmann::ordered_json;

Result small_result() {
  Result r;
  r.schema = "toy.train/1";
  r.tool = "toy";
  r.version = "0.1.0+abc";
  r.command = {"toy", "train"};
  r.config_json = R"({"period":5,"lr":0.1})";
  r.seeds = {1, 2};
  r.started = "2026-01-31T12:00:00Z";
  r.finished = "2026-01-31T12:00:01Z";
  r.wall_s = 1.5;
  r.environment = {{"device", std::string("cpu")}, {"threads", int64_t{2}}};
  return r;
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& item : object.items()) keys.push_back(item.key());
  return keys;
}

}  // namespace

TEST_CASE("the envelope has the schema's keys in one order") {
  const std::string text = to_json(small_result(), false);
  CHECK(text.find('\n') == std::string::npos);
  CHECK(keys_of(Json::parse(text)) ==
        std::vector<std::string>{"schema", "tool", "version", "command", "status", "config",
                                 "seeds", "started", "finished", "wall_s", "cpu_s", "environment",
                                 "data", "metrics"});
  CHECK(text.find(R"("config":{"period":5,"lr":0.1})") != std::string::npos);
  CHECK(Json::parse(to_json(small_result(), true)) == Json::parse(text));
}

TEST_CASE("a partial result says what stopped it") {
  Result r = small_result();
  CHECK(!Json::parse(to_json(r, false)).contains("stopped_by"));
  r.complete = false;
  r.stopped_by = "time-limit";
  const Json partial = Json::parse(to_json(r, false));
  CHECK(partial["status"] == "partial");
  CHECK(partial["stopped_by"] == "time-limit");
  r.stopped_by.clear();
  CHECK(Json::parse(to_json(r, false))["stopped_by"] == nullptr);
}

TEST_CASE("numbers that are not finite become null with a reason") {
  Result r = small_result();
  Metric metric;
  metric.value = NAN;
  metric.stderr_of_mean = INFINITY;
  metric.per_seed = {1.0, NAN, std::nullopt};
  r.metrics.emplace_back("a", metric);
  metric.value.reset();
  metric.reason = "target not reached";
  r.metrics.emplace_back("b", metric);
  const Json json = Json::parse(to_json(r, false));
  CHECK(json["metrics"]["a"]["value"] == nullptr);
  CHECK(json["metrics"]["a"]["reason"] == "not finite");
  CHECK(json["metrics"]["a"]["stderr"] == nullptr);
  CHECK(json["metrics"]["a"]["per_seed"] == Json::parse("[1.0,null,null]"));
  CHECK(json["metrics"]["b"]["reason"] == "target not reached");
}

TEST_CASE("over seeds a metric is the mean of those that have one, with its standard error") {
  const Metric m = metric_over_seeds({1.0, std::nullopt, 2.0, 6.0}, true, "none", "s");
  CHECK(m.value == 3.0);
  CHECK(m.n == 3);
  CHECK(*m.stderr_of_mean == Approx(std::sqrt((4 + 1 + 9) / 2.0 / 3.0)));
  CHECK(m.per_seed.size() == 4);
  CHECK(m.reason.empty());
  CHECK(m.unit == "s");
  CHECK(m.higher_is_better == true);
  CHECK(!metric_over_seeds({2.0}, false).stderr_of_mean);
  const Metric none = metric_over_seeds({std::nullopt}, false, "all diverged");
  CHECK(!none.value);
  CHECK(none.n == 0);
  CHECK(none.reason == "all diverged");
}

TEST_CASE("a metric has no reason where it has a value, and only what was set") {
  Result r = small_result();
  Metric metric;
  metric.value = 0.5;
  metric.n = 3;
  metric.unit = "%";
  metric.higher_is_better = true;
  r.metrics.emplace_back("a", metric);
  CHECK(Json::parse(to_json(r, false))["metrics"]["a"] ==
        Json::parse(R"({"value":0.5,"n":3,"unit":"%","higher_is_better":true})"));
}

TEST_CASE("doubles print with the fewest digits that read back the same") {
  const Facts facts = {{"a", 0.1}, {"b", 1.0 / 3}, {"c", 5e-324}, {"d", 1e300}, {"e", 2.0}};
  const std::string text = to_json(facts, false);
  CHECK(text == R"({"a":0.1,"b":0.3333333333333333,"c":5e-324,"d":1e+300,"e":2.0})");
  CHECK(Json::parse(text)["b"].get<double>() == 1.0 / 3);
}

TEST_CASE("facts keep their order and every type of value") {
  const Facts facts = {{"z", nullptr},
                       {"y", true},
                       {"x", int64_t{-9007199254740993}},
                       {"w", std::string("\xFF quote \"")},
                       {"v", std::vector<int64_t>{1, 2}},
                       {"u", std::vector<std::string>{"a"}},
                       {"t", std::vector<double>{0.5, NAN}}};
  CHECK(to_json(facts, false) ==
        "{\"z\":null,\"y\":true,\"x\":-9007199254740993,\"w\":\"\xEF\xBF\xBD quote \\\"\","
        "\"v\":[1,2],\"u\":[\"a\"],\"t\":[0.5,null]}");
}

TEST_CASE("series, tables and published figures keep their form") {
  Result r = small_result();
  r.series.emplace_back("none/1", Series{"step", {{"step", {0.0, 1.0}}, {"acc", {0.5, NAN}}}});
  r.tables.emplace_back("t", Table{{"name", "n"}, {{std::string("a"), int64_t{1}}}});
  r.published.push_back({"acc", 0.9, "table 2"});
  const Json json = Json::parse(to_json(r, false));
  CHECK(json["series"]["none/1"] ==
        Json::parse(R"({"x":"step","columns":{"step":[0.0,1.0],"acc":[0.5,null]}})"));
  CHECK(json["tables"]["t"] == Json::parse(R"({"columns":["name","n"],"rows":[["a",1]]})"));
  CHECK(json["published"] == Json::parse(R"([{"metric":"acc","value":0.9,"source":"table 2"}])"));
}

TEST_CASE("columns and rows that do not fit each other are refused by name") {
  Result r = small_result();
  r.series.emplace_back("s", Series{"step", {{"step", {0.0, 1.0}}, {"acc", {0.5}}}});
  CHECK_THROWS_WITH(to_json(r, false),
                    "series s: column acc has 1 values, expected 2 as the first");
  r.series.clear();
  r.tables.emplace_back("t", Table{{"a", "b"}, {{int64_t{1}}}});
  CHECK_THROWS_AS(to_json(r, false), NumericError);
}

}  // namespace tenfold::log
