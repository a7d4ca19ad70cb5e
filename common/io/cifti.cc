#include "common/io/cifti.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "common/io/gzip.h"
#include "common/io/nifti.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"
#include "common/io/xml.h"

namespace tenfold::io {
namespace {

constexpr int32_t kCiftiCode = 32;

// One MatrixIndicesMap and where it stands in messages.
struct Map {
  const XmlNode* node;
  std::string where;

  [[noreturn]] void fail(const std::string& what) const { throw DataError(where + ": " + what); }

  double number(const XmlNode& at, const char* attribute) const {
    const std::string text = at.attribute(attribute);
    const std::optional<double> value = number_in(text);
    if (!value || !std::isfinite(*value))
      fail(fmt::format("found {} '{}', expected a number", attribute, shown(text)));
    return *value;
  }
  int64_t count(const XmlNode& at, const char* attribute, int64_t most) const {
    const double value = number(at, attribute);
    if (!(value >= 0 && value <= double(most) && value == std::floor(value))) {
      fail(fmt::format("found {} {}, expected 0 to {}", attribute, value, most));
    }
    return int64_t(value);
  }
};

const NiftiExtension* cifti_extension(const NiftiHeader& header) {
  for (const NiftiExtension& e : header.extensions) {
    if (e.code == kCiftiCode) return &e;
  }
  return nullptr;
}

Map map_of(const XmlNode& matrix, const std::string& dimension, const std::string& name) {
  for (const XmlNode* map : matrix.all("MatrixIndicesMap")) {
    const std::string applies = "," + map->attribute("AppliesToMatrixDimension") + ",";
    if (applies.find("," + dimension + ",") == std::string::npos) continue;
    return {map, fmt::format("{}: map of dimension {}", name, dimension)};
  }
  throw DataError(fmt::format("{}: found no map of dimension {}", name, dimension));
}

// 1 over the step between two times.
double rate_of(const Map& map, int64_t times) {
  const std::string type = map.node->attribute("IndicesMapToDataType");
  if (type != "CIFTI_INDEX_TYPE_SERIES") {
    map.fail(
        fmt::format("found {}, expected CIFTI_INDEX_TYPE_SERIES (a time series)", shown(type)));
  }
  const std::string unit = map.node->attribute("SeriesUnit");
  if (unit != "SECOND") map.fail(fmt::format("found unit '{}', expected SECOND", shown(unit)));
  const int64_t points = map.count(*map.node, "NumberOfSeriesPoints", INT32_MAX);
  if (points != times) map.fail(fmt::format("found {} points, expected {}", points, times));
  const std::string step = map.node->attribute("SeriesStep"),
                    exponent = map.node->attribute("SeriesExponent");
  map.number(*map.node, "SeriesStep");
  // As one decimal number: 72 * 10^-2 is .72 to the last bit.
  const std::optional<double> seconds =
      number_in(step.find_first_of("eE") == std::string::npos ? step + "e" + exponent : step);
  if (!seconds || !(*seconds > 0) || !std::isfinite(1 / *seconds)) {
    map.fail(fmt::format("found a step of '{}' times 10^'{}', expected more than 0", shown(step),
                         shown(exponent)));
  }
  return 1 / *seconds;
}

std::vector<std::string> parcel_names(const Map& map, int64_t rows) {
  std::vector<std::string> out;
  for (const XmlNode* parcel : map.node->all("Parcel")) out.push_back(parcel->attribute("Name"));
  if (int64_t(out.size()) != rows)
    map.fail(fmt::format("found {} parcels, expected {}", out.size(), rows));
  return out;
}

void name_brainordinates(const Map& map, const XmlNode& model, std::vector<std::string>& names) {
  constexpr std::string_view kPrefix = "CIFTI_STRUCTURE_";
  const auto rows = int64_t(names.size());
  const int64_t first = map.count(model, "IndexOffset", rows),
                n = map.count(model, "IndexCount", rows - first);
  std::string structure = model.attribute("BrainStructure");
  if (structure.compare(0, kPrefix.size(), kPrefix) == 0) structure.erase(0, kPrefix.size());
  std::vector<std::string_view> vertices;
  const XmlNode* const list = model.child("VertexIndices");
  if (list != nullptr) {
    std::string_view text = trimmed(list->text);
    while (!text.empty()) {
      const size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
      vertices.push_back(text.substr(0, end));
      text = trimmed(text.substr(end));
    }
    if (int64_t(vertices.size()) != n)
      map.fail(
          fmt::format("{}: found {} vertices, expected {}", shown(structure), vertices.size(), n));
  }
  for (int64_t i = 0; i < n; ++i) {
    std::string& name = names[size_t(first + i)];
    if (!name.empty()) map.fail(fmt::format("row {} belongs to two structures", first + i));
    name = fmt::format("{}/{}", structure,
                       vertices.empty() ? fmt::to_string(i) : std::string(vertices[size_t(i)]));
  }
}

std::vector<std::string> row_names(const Map& map, int64_t rows) {
  const std::string type = map.node->attribute("IndicesMapToDataType");
  if (type == "CIFTI_INDEX_TYPE_PARCELS") return parcel_names(map, rows);
  if (type != "CIFTI_INDEX_TYPE_BRAIN_MODELS") {
    map.fail(fmt::format("found {}, expected parcels or brain models (a .ptseries or .dtseries)",
                         shown(type)));
  }
  std::vector<std::string> names(size_t(rows), "");
  for (const XmlNode* model : map.node->all("BrainModel")) name_brainordinates(map, *model, names);
  const auto none = std::find(names.begin(), names.end(), "");
  if (none != names.end())
    map.fail(fmt::format("row {} belongs to no structure", none - names.begin()));
  return names;
}

}  // namespace

bool is_cifti(const Bytes& file) {
  if (!is_nifti(file)) return false;
  try {
    return cifti_extension(parse_nifti_header(file, "")) != nullptr;
  } catch (const DataError&) {
    return false;
  }
}

Signals parse_cifti(const Bytes& file, const std::string& name) {
  const NiftiHeader header = parse_nifti_header(file, name);
  const NiftiExtension* const extension = cifti_extension(header);
  if (header.version != 2 || extension == nullptr)
    throw DataError(name + ": found no extension of CIFTI (code 32), expected CIFTI-2");
  const std::vector<int64_t>& shape = header.shape;
  if (shape.size() < 6 || header.count() != shape[4] * shape[5]) {
    throw DataError(fmt::format("{}: found {} dimensions, expected 1, 1, 1, 1, times, rows", name,
                                shape.size()));
  }
  std::string_view text(reinterpret_cast<const char*>(extension->data.data()),
                        extension->data.size());
  const auto root = parse_xml(text.substr(0, text.find('\0')), name);
  const XmlNode* const matrix = root->name == "CIFTI" ? root->child("Matrix") : nullptr;
  if (matrix == nullptr)
    throw DataError(fmt::format("{}: found XML of '{}', expected CIFTI with a Matrix", name,
                                shown(root->name)));
  Signals out;
  out.format = "CIFTI-2";
  out.samples = shape[4];
  out.rate_hz = rate_of(map_of(*matrix, "0", name), shape[4]);
  const Map rows = map_of(*matrix, "1", name);
  out.names = row_names(rows, shape[5]);
  const bool parcels = rows.node->attribute("IndicesMapToDataType") == "CIFTI_INDEX_TYPE_PARCELS";
  out.facts = {{"rows", parcels ? "parcels" : "brainordinates"}, {"dtype", header.dtype}};
  out.values = parse_nifti(file, name).values;
  return out;
}

Signals read_cifti(const std::string& path) { return parse_cifti(read_maybe_gzip(path), path); }

}  // namespace tenfold::io
