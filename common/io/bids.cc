#include "common/io/bids.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/csv.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr double kLongestTr = 30;  // s

// "a_bold.nii.gz" -> "a_bold"
std::string stem_of(std::string path) {
  const size_t folder = path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1;
  for (const std::string end : {".gz", ".nii"}) {
    if (path.size() > end.size() + folder && path.substr(path.size() - end.size()) == end)
      path.resize(path.size() - end.size());
  }
  return path;
}

std::string if_there(const std::string& path) { return exists(path) ? path : ""; }

// A cell's number; nothing for "n/a".
std::optional<double> number_at(const CsvTable& table, int64_t row, int64_t column) {
  if (trimmed(table.text(row, column)) == "n/a") return std::nullopt;
  return table.number(row, column);
}

}  // namespace

std::vector<SignalEvent> parse_events_tsv(const Bytes& file, const std::string& name) {
  const CsvTable table = CsvTable::parse(file, name, '\t');
  const int64_t onset = table.find("onset"), duration = table.find("duration"),
                type = table.find("trial_type");
  if (onset < 0 || duration < 0) {
    throw DataError(fmt::format("{}:1: found columns {}, expected onset and duration", name,
                                shown(joined(table.columns(), ", "))));
  }
  std::vector<SignalEvent> out;
  for (int64_t row = 0; row < table.rows(); ++row) {
    const std::optional<double> start = number_at(table, row, onset),
                                length = number_at(table, row, duration);
    if (!start) continue;
    if (length && *length < 0) {
      throw DataError(fmt::format("{}:{}: duration: found {}, expected 0 or more", name,
                                  table.line(row), *length));
    }
    const std::string label = type < 0 ? "event" : std::string(trimmed(table.text(row, type)));
    out.push_back({*start, length.value_or(0), label});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.onset_s < b.onset_s; });
  return out;
}

std::vector<SignalEvent> read_events_tsv(const std::string& path) {
  return parse_events_tsv(read_file(path), path);
}

double parse_repetition_time(const std::string& json, const std::string& name) {
  const nlohmann::json sidecar = nlohmann::json::parse(json, nullptr, false);
  if (!sidecar.is_object()) throw DataError(name + ": found no JSON object");
  const auto found = sidecar.find("RepetitionTime");
  if (found == sidecar.end() || !found->is_number())
    throw DataError(name + ": found no number RepetitionTime, expected seconds");
  const double tr = found->get<double>();
  if (tr > 0 && tr <= kLongestTr) return tr;
  throw DataError(
      fmt::format("{}: RepetitionTime: found {}, expected seconds, more than 0 and at most {}{}",
                  name, tr, kLongestTr, tr > kLongestTr ? " (is it in ms?)" : ""));
}

std::string sidecar_of(const std::string& path) { return if_there(stem_of(path) + ".json"); }

std::string events_of(const std::string& path) {
  const std::string stem = stem_of(path), end = "_bold";
  if (stem.size() <= end.size() || stem.substr(stem.size() - end.size()) != end) return "";
  return if_there(stem.substr(0, stem.size() - end.size()) + "_events.tsv");
}

void require_events_inside(const std::vector<SignalEvent>& events, double seconds,
                           const std::string& where) {
  for (const SignalEvent& e : events) {
    if (e.onset_s >= 0 && e.onset_s < seconds) continue;
    throw DataError(fmt::format("{}: found '{}' at {} s, outside of the recording of {} s", where,
                                shown(e.label), e.onset_s, seconds));
  }
}

std::vector<std::string> label_names(const std::vector<SignalEvent>& events) {
  std::vector<std::string> names;
  for (const SignalEvent& e : events) names.push_back(e.label);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const bool numbers = std::all_of(names.begin(), names.end(),
                                   [](const std::string& n) { return integer_in(n).has_value(); });
  if (numbers) {
    std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
      return *integer_in(a) < *integer_in(b);
    });
  }
  return names;
}

std::vector<int32_t> labels_at(const std::vector<double>& times,
                               const std::vector<SignalEvent>& events,
                               const std::vector<std::string>& names) {
  std::vector<int32_t> out;
  for (const double t : times) {
    out.push_back(-1);
    for (auto e = events.rbegin(); e != events.rend(); ++e) {
      if (!(e->onset_s <= t && t < e->onset_s + e->duration_s)) continue;
      out.back() = int32_t(std::find(names.begin(), names.end(), e->label) - names.begin());
      break;
    }
  }
  return out;
}

}  // namespace tenfold::io
