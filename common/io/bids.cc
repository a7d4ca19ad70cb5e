#include "common/io/bids.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/csv.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr double kLongestTr = 30;  // s

// "a_bold.nii.gz" -> "a_bold", "a_bold.npy" -> "a_bold", "b.nii" -> "b"
std::string stem_of(std::string path) {
  const size_t folder = path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1;
  const std::string bold = "_bold.";
  const size_t at = path.rfind(bold);
  if (at != std::string::npos && at >= folder) return path.substr(0, at + bold.size() - 1);
  for (const std::string end : {".gz", ".nii"}) {
    if (path.size() > end.size() + folder && path.substr(path.size() - end.size()) == end)
      path.resize(path.size() - end.size());
  }
  return path;
}

// "sub-01_task-rest_bold" -> sub-01, task-rest, bold
std::vector<std::string> parts_of(const std::string& stem) {
  std::vector<std::string> parts(1);
  for (const char c : stem) {
    if (c == '_') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// Its folder, and those further up to the one of the data set where it is in one.
std::vector<std::string> folders_of(const std::string& file) {
  namespace fs = std::filesystem;
  constexpr int kLevels = 5;  // func, ses-01, sub-01, the data set, and one to spare
  std::vector<std::string> folders = {fs::path(file).parent_path().string()};
  fs::path up = fs::absolute(file).lexically_normal().parent_path();
  for (int level = 0; level < kLevels; ++level) {
    if (exists((up / "dataset_description.json").string())) return folders;
    up = up.parent_path();
    folders.push_back(up.string());
  }
  return {folders[0]};
}

// Of a folder's files that end with `end`, the one whose name says most, nothing but what `parts`
// say; "" where there is none.
std::string nearest_name(const std::string& folder, const std::vector<std::string>& parts,
                         const std::string& end) {
  std::string best;
  for (const std::string& name : list_folder(folder.empty() ? "." : folder)) {
    if (name.size() < end.size() || name.substr(name.size() - end.size()) != end) continue;
    const std::vector<std::string> own = parts_of(name.substr(0, name.size() - end.size()));
    const bool holds = std::all_of(own.begin(), own.end(), [&](const std::string& part) {
      return part.empty() || std::find(parts.begin(), parts.end(), part) != parts.end();
    });
    if (holds && name.size() > best.size()) best = name;
  }
  return best;
}

// Files that end with `end` ("bold.json") and hold for "..._bold.nii", nearest first.
std::vector<std::string> inherited(const std::string& image, const std::string& end) {
  const std::string stem = stem_of(image);
  const std::vector<std::string> parts = parts_of(std::filesystem::path(stem).filename().string());
  std::vector<std::string> found;
  if (parts.size() < 2 || parts.back() != "bold") return found;
  for (const std::string& folder : folders_of(stem)) {
    const std::string name = nearest_name(folder, parts, end);
    if (!name.empty()) found.push_back(folder.empty() ? name : folder + "/" + name);
  }
  return found;
}

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
    throw DataError(
        fmt::format("{}:1: found columns {}, expected onset and duration (between tabs)", name,
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
    if (label == "n/a") continue;
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

std::vector<std::string> sidecars_of(const std::string& path) {
  const std::string own = stem_of(path) + ".json";
  std::vector<std::string> found = inherited(path, "bold.json");
  if (found.empty() && exists(own)) found.push_back(own);
  return found;
}

std::vector<std::string> events_files_of(const std::string& path) {
  return inherited(path, "events.tsv");
}

std::optional<SidecarTime> repetition_time_of(const std::string& path) {
  const std::vector<std::string> sidecars = sidecars_of(path);
  for (size_t i = 0; i < sidecars.size(); ++i) {
    const std::string text = read_text(sidecars[i]);
    const nlohmann::json sidecar = nlohmann::json::parse(text, nullptr, false);
    // The last one says what is missing.
    if (i + 1 < sidecars.size() && sidecar.is_object() && !sidecar.contains("RepetitionTime"))
      continue;
    return SidecarTime{parse_repetition_time(text, sidecars[i]), sidecars[i]};
  }
  return std::nullopt;
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
