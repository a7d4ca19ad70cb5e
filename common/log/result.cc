#include "common/log/result.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "common/core/error.h"

namespace tenfold::log {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json number(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }

Json to_value(const Value& value) {
  return std::visit(
      [](const auto& v) -> Json {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, double>) {
          return number(v);
        } else if constexpr (std::is_same_v<T, std::vector<double>>) {
          Json list = Json::array();
          for (double d : v) list.push_back(number(d));
          return list;
        } else {
          return v;
        }
      },
      value);
}

Json to_object(const Facts& facts) {
  Json out = Json::object();
  for (const auto& [key, value] : facts) out[key] = to_value(value);
  return out;
}

Json to_metric(const Metric& m) {
  Json out;
  out["value"] = number(m.value);
  if (out["value"].is_null()) out["reason"] = m.reason.empty() ? "not finite" : m.reason;
  if (m.stderr_of_mean) out["stderr"] = number(m.stderr_of_mean);
  if (m.n) out["n"] = *m.n;
  if (!m.per_seed.empty()) {
    out["per_seed"] = Json::array();
    for (const auto& s : m.per_seed) out["per_seed"].push_back(number(s));
  }
  if (!m.unit.empty()) out["unit"] = m.unit;
  if (m.higher_is_better) out["higher_is_better"] = *m.higher_is_better;
  return out;
}

Json to_series(const std::string& series, const Series& s) {
  Json out = {{"x", s.x}, {"columns", Json::object()}};
  for (const auto& [name, values] : s.columns) {
    const size_t expected = s.columns.front().second.size();
    if (values.size() != expected) {
      throw NumericError(fmt::format("series {}: column {} has {} values, expected {} as the first",
                                     series, name, values.size(), expected));
    }
    Json& column = out["columns"][name] = Json::array();
    for (const auto& v : values) column.push_back(number(v));
  }
  return out;
}

Json to_table(const std::string& table, const Table& t) {
  Json out = {{"columns", t.columns}, {"rows", Json::array()}};
  for (const auto& row : t.rows) {
    if (row.size() != t.columns.size()) {
      throw NumericError(fmt::format("table {}: a row has {} cells, expected {}", table, row.size(),
                                     t.columns.size()));
    }
    Json cells = Json::array();
    for (const Value& v : row) cells.push_back(to_value(v));
    out["rows"].push_back(cells);
  }
  return out;
}

std::string dump(const Json& json, bool pretty) {
  return json.dump(pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Metric metric_over_seeds(const std::vector<std::optional<double>>& per_seed,
                         std::optional<bool> higher_is_better, const std::string& reason,
                         const std::string& unit) {
  Metric m;
  m.per_seed = per_seed;
  m.higher_is_better = higher_is_better;
  m.unit = unit;
  double sum = 0, squares = 0, count = 0;
  for (const auto& v : per_seed) {
    if (!v) continue;
    sum += *v;
    ++count;
  }
  m.n = int64_t(count);
  if (count == 0) {
    m.reason = reason;
    return m;
  }
  m.value = sum / count;
  for (const auto& v : per_seed)
    if (v) squares += (*v - *m.value) * (*v - *m.value);
  if (count > 1) m.stderr_of_mean = std::sqrt(squares / (count - 1) / count);
  return m;
}

std::string to_json(const Result& r, bool pretty) {
  Json out;
  out["schema"] = r.schema;
  out["tool"] = r.tool;
  out["version"] = r.version;
  out["command"] = r.command;
  out["status"] = r.complete ? "complete" : "partial";
  if (!r.complete) out["stopped_by"] = r.stopped_by.empty() ? Json(nullptr) : Json(r.stopped_by);
  out["config"] = r.config_json.empty() ? Json::object() : Json::parse(r.config_json);
  out["seeds"] = r.seeds;
  out["started"] = r.started;
  out["finished"] = r.finished;
  out["wall_s"] = r.wall_s;
  out["cpu_s"] = r.cpu_s;
  if (r.peak_rss_mib > 0) out["peak_rss_mib"] = r.peak_rss_mib;
  out["environment"] = to_object(r.environment);
  out["data"] = to_object(r.data);
  if (!r.model.empty()) out["model"] = to_object(r.model);
  out["metrics"] = Json::object();
  for (const auto& [name, m] : r.metrics) out["metrics"][name] = to_metric(m);
  for (const auto& [name, s] : r.series) out["series"][name] = to_series(name, s);
  for (const auto& [name, t] : r.tables) out["tables"][name] = to_table(name, t);
  for (const Published& p : r.published) {
    out["published"].push_back(
        {{"metric", p.metric}, {"value", to_value(p.value)}, {"source", p.source}});
  }
  return dump(out, pretty);
}

std::string to_json(const Facts& facts, bool pretty) { return dump(to_object(facts), pretty); }

}  // namespace tenfold::log
