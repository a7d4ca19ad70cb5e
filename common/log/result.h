// The result JSON of every tool: one envelope (result.schema.json beside this file).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tenfold::log {

// A value in a table or a fact: null, truth, integer, number, text, or a list of these.
using Value = std::variant<std::nullptr_t, bool, int64_t, double, std::string, std::vector<int64_t>,
                           std::vector<std::string>, std::vector<double>>;
using Facts = std::vector<std::pair<std::string, Value>>;  // an object; order is kept

struct Metric {
  std::optional<double> value;
  std::string reason;  // why the value is null
  std::optional<double> stderr_of_mean;
  std::optional<int64_t> n;
  std::vector<std::optional<double>> per_seed;
  std::string unit;
  std::optional<bool> higher_is_better;
};

// The mean over the seeds that have a value, its standard error where there are two of them, how
// many they are, and every seed's own; `reason` where none has one.
Metric metric_over_seeds(const std::vector<std::optional<double>>& per_seed,
                         std::optional<bool> higher_is_better, const std::string& reason = "",
                         const std::string& unit = "");

struct Series {
  std::string x;
  std::vector<std::pair<std::string, std::vector<std::optional<double>>>> columns;  // equal lengths
};

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<Value>> rows;
};

struct Published {
  std::string metric;
  Value value;
  std::string source;
};

struct Result {
  std::string schema;  // "nino-nowcast.train/1"
  std::string tool;
  std::string version;
  std::vector<std::string> command;
  bool complete = true;
  std::string stopped_by;   // "time-limit", "signal" or "nan"; only where not complete
  std::string config_json;  // an object, as text (common/cli writes it)
  std::vector<int64_t> seeds;
  std::string started, finished;
  double wall_s = 0, cpu_s = 0;
  double peak_rss_mib = 0;  // 0: not known, and not written
  Facts environment, data, model;
  std::vector<std::pair<std::string, Metric>> metrics;
  std::vector<std::pair<std::string, Series>> series;
  std::vector<std::pair<std::string, Table>> tables;
  std::vector<Published> published;
};

// JSON text, on one line or indented. Non-finite numbers become null (a metric then gets the reason
// "not finite" unless it has one). Doubles print with the fewest digits that read back the same.
// Throws NumericError for columns of one series or cells of one table that do not fit each other.
std::string to_json(const Result& result, bool pretty);

// An object of facts as JSON text, for run.json, manifests and the like.
std::string to_json(const Facts& facts, bool pretty);

}  // namespace tenfold::log
