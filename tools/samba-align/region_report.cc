#include "tools/samba-align/region_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "common/core/error.h"
#include "common/io/file.h"
#include "tools/samba-align/report_metric.h"

namespace tenfold::samba_align {

std::vector<ParcelPlace> parcel_places(const std::string& folder, const std::string& modality,
                                       int64_t count) {
  const std::string path = folder + "/manifest.json";
  if (!io::exists(path)) return {};
  std::vector<ParcelPlace> places;
  try {
    const auto manifest = nlohmann::json::parse(io::read_text(path));
    if (!manifest.contains("parcels")) return {};
    const auto& parcels = manifest.at("parcels").at(modality);
    if (int64_t(parcels.size()) != count) return {};
    for (const auto& p : parcels) {
      // null: the atlas does not say.
      const auto text = [&](const char* key) {
        return p.contains(key) && !p.at(key).is_null() ? p.at(key).template get<std::string>()
                                                       : std::string();
      };
      if (!p.is_object())
        throw DataError(fmt::format("{}: expected parcels.{} of objects", path, modality));
      places.push_back({text("name"), text("hemisphere"), text("network"), text("lobe")});
    }
  } catch (const nlohmann::json::exception&) {
    throw DataError(fmt::format("{}: expected parcels.{}: [{{name, hemisphere, network}}] of texts",
                                path, modality));
  }
  return places;
}

void add_regions(log::Result& result, const std::string& of, const std::string& name,
                 const std::vector<ParcelPlace>& places) {
  constexpr size_t kFirstValue = 2;  // after seed and parcel
  const auto found = std::find_if(result.tables.begin(), result.tables.end(),
                                  [&](const auto& t) { return t.first == of; });
  if (places.empty() || found == result.tables.end()) return;
  const log::Table& parcels = found->second;
  log::Table table{{"seed", "by", "region", "parcels"}, {}};
  table.columns.insert(table.columns.end(), parcels.columns.begin() + kFirstValue,
                       parcels.columns.end());
  const std::pair<const char*, std::string ParcelPlace::*> kinds[] = {
      {"hemisphere", &ParcelPlace::hemisphere},
      {"network", &ParcelPlace::network},
      {"lobe", &ParcelPlace::lobe}};
  for (const auto& [by, member] : kinds) {
    std::map<std::pair<int64_t, std::string>, std::vector<const std::vector<log::Value>*>> regions;
    for (const auto& row : parcels.rows) {
      const std::string& region = places.at(size_t(std::get<int64_t>(row[1]))).*member;
      if (!region.empty()) regions[{std::get<int64_t>(row[0]), region}].push_back(&row);
    }
    for (const auto& [key, rows] : regions) {
      std::vector<log::Value> mean = {key.first, std::string(by), key.second, int64_t(rows.size())};
      for (size_t c = kFirstValue; c < parcels.columns.size(); ++c) {
        std::vector<Maybe> values;
        for (const auto* row : rows) {
          const auto* value = std::get_if<double>(&(*row)[c]);
          values.push_back(value == nullptr ? std::nullopt : Maybe(*value));
        }
        mean.push_back(value_of(mean_of(values)));
      }
      table.rows.push_back(mean);
    }
  }
  if (!table.rows.empty()) result.tables.emplace_back(name, table);
}

}  // namespace tenfold::samba_align
