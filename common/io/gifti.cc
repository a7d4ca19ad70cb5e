#include "common/io/gifti.h"

#include <fmt/format.h>

#include <cmath>

#include "common/core/error.h"
#include "common/io/base64.h"
#include "common/io/inflate.h"
#include "common/io/signal_text.h"
#include "common/io/stored_numbers.h"
#include "common/io/text.h"
#include "common/io/xml.h"

namespace tenfold::io {
namespace {

constexpr int kZlibOrGzip = 15 + 32;
constexpr int64_t kMostDimensions = 6;
constexpr int32_t kLargestKey = 1 << 20;
constexpr double kLongestTr = 30;

struct Datatype {
  const char* name;
  NumberType type;
};
constexpr Datatype kDatatypes[] = {
    {"NIFTI_TYPE_UINT8", NumberType::kU8},    {"NIFTI_TYPE_INT32", NumberType::kI32},
    {"NIFTI_TYPE_FLOAT32", NumberType::kF32}, {"NIFTI_TYPE_FLOAT64", NumberType::kF64},
    {"NIFTI_TYPE_INT8", NumberType::kI8},     {"NIFTI_TYPE_INT16", NumberType::kI16},
    {"NIFTI_TYPE_UINT16", NumberType::kU16},  {"NIFTI_TYPE_UINT32", NumberType::kU32},
    {"NIFTI_TYPE_INT64", NumberType::kI64},   {"NIFTI_TYPE_UINT64", NumberType::kU64}};

// One DataArray on its way.
class ArrayReader {
 public:
  ArrayReader(const XmlNode& node, std::string where) : node_(node), where_(std::move(where)) {}

  GiftiArray read(uint64_t& limit) const {
    GiftiArray out;
    out.intent = node_.attribute("Intent");
    out.metadata = xml_metadata(node_.child("MetaData"));
    out.shape = shape();
    int64_t count = 1;
    for (const int64_t size : out.shape) {
      if (__builtin_mul_overflow(count, size, &count)) fail("found 2^63 numbers or more");
    }
    const uint64_t bytes = uint64_t(count) * sizeof(double);
    if (uint64_t(count) > limit / sizeof(double))
      fail(fmt::format("found {} numbers, more than fit", grouped(uint64_t(count))));
    limit -= bytes;
    const XmlNode* const data = node_.child("Data");
    if (data == nullptr) fail("found no Data");
    out.values = values(trimmed(data->text), uint64_t(count));
    if (node_.attribute("ArrayIndexingOrder") == "ColumnMajorOrder" && out.shape.size() > 1)
      out.values = row_major(out.values, out.shape);
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw DataError(where_ + ": " + what); }

  std::vector<int64_t> shape() const {
    const std::optional<int64_t> rank = integer_in(node_.attribute("Dimensionality"));
    if (!rank || *rank < 1 || *rank > kMostDimensions) {
      fail(fmt::format("found Dimensionality '{}', expected 1 to {}",
                       shown(node_.attribute("Dimensionality")), kMostDimensions));
    }
    std::vector<int64_t> out;
    for (int64_t d = 0; d < *rank; ++d) {
      const std::string text = node_.attribute(fmt::format("Dim{}", d));
      const std::optional<int64_t> size = integer_in(text);
      if (!size || *size < 1)
        fail(fmt::format("found Dim{} '{}', expected 1 or more", d, shown(text)));
      out.push_back(*size);
    }
    return out;
  }

  NumberType type() const {
    const std::string text = node_.attribute("DataType");
    for (const Datatype& d : kDatatypes) {
      if (text == d.name) return d.type;
    }
    fail(fmt::format("found DataType '{}', expected NIFTI_TYPE_FLOAT32, _INT32 or _UINT8",
                     shown(text)));
  }

  std::vector<double> values(std::string_view text, uint64_t count) const {
    const std::string encoding = node_.attribute("Encoding");
    if (encoding == "ASCII") return numbers_in_text(text, count);
    if (encoding != "Base64Binary" && encoding != "GZipBase64Binary") {
      fail(fmt::format(
          "found Encoding '{}', expected ASCII, Base64Binary or GZipBase64Binary in this file",
          shown(encoding)));
    }
    const uint64_t bytes = count * number_size(type());
    Bytes data = decode_base64(text, where_);
    if (encoding == "GZipBase64Binary") data = inflated(data, bytes);
    if (data.size() != bytes) {
      fail(fmt::format("found {} bytes of numbers, expected {} from the dimensions",
                       grouped(data.size()), grouped(bytes)));
    }
    const std::string order = node_.attribute("Endian");
    if (order != "LittleEndian" && order != "BigEndian") {
      fail(fmt::format("found Endian '{}', expected LittleEndian or BigEndian", shown(order)));
    }
    std::vector<double> out(count);
    to_doubles(data.data(), count, type(), order == "BigEndian", out.data());
    return out;
  }

  Bytes inflated(const Bytes& packed, uint64_t bytes) const {
    Bytes out;
    const Inflated end = inflate_stream(packed.data(), packed.size(), kZlibOrGzip, bytes, out);
    if (end.end == InflateEnd::kComplete) return out;
    fail(end.end == InflateEnd::kTooLarge
             ? fmt::format("unpacks to more than the {} bytes of its dimensions", grouped(bytes))
             : fmt::format("{} compressed data after {} bytes",
                           end.end == InflateEnd::kTruncated ? "truncated" : "damaged",
                           grouped(out.size())));
  }

  std::vector<double> numbers_in_text(std::string_view text, uint64_t count) const {
    std::vector<double> out;
    while (!text.empty()) {
      const size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
      const std::optional<double> number = number_in(text.substr(0, end));
      if (!number || out.size() == count) {
        fail(fmt::format("number {}: found '{}', expected {} numbers", out.size(),
                         shown(text.substr(0, end)), grouped(count)));
      }
      out.push_back(*number);
      text.remove_prefix(end);
      const size_t next = text.find_first_not_of(" \t\r\n");
      text.remove_prefix(std::min(next, text.size()));
    }
    if (out.size() != count)
      fail(fmt::format("found {} numbers, expected {}", grouped(out.size()), grouped(count)));
    return out;
  }

  const XmlNode& node_;
  std::string where_;
};

std::map<int32_t, std::string> labels_of(const XmlNode* table, const std::string& name) {
  std::map<int32_t, std::string> out;
  if (table == nullptr) return out;
  for (const XmlNode* label : table->all("Label")) {
    const std::string text =
        label->attributes.count("Key") != 0 ? label->attribute("Key") : label->attribute("Index");
    const std::optional<int64_t> key = integer_in(text);
    if (!key || *key < -kLargestKey || *key > kLargestKey) {
      throw DataError(
          fmt::format("{}: LabelTable: found key '{}', expected a whole number up to {}", name,
                      shown(text), kLargestKey));
    }
    out[int32_t(*key)] = std::string(trimmed(label->text));
  }
  return out;
}

// 1 over the seconds of the metadata TimeStep, or 0.
double rate_of(const Gifti& gifti, const std::string& name) {
  std::vector<const std::map<std::string, std::string>*> places = {&gifti.metadata};
  for (const GiftiArray& a : gifti.arrays) places.push_back(&a.metadata);
  for (const auto* metadata : places) {
    const auto found = metadata->find("TimeStep");
    if (found == metadata->end()) continue;
    const std::optional<double> ms = number_in(found->second);
    if (ms && *ms > 0 && *ms <= 1000 * kLongestTr) return 1000 / *ms;
    throw DataError(fmt::format("{}: metadata TimeStep: found '{}', expected milliseconds up to {}",
                                name, shown(found->second), 1000 * kLongestTr));
  }
  return 0;
}

}  // namespace

Gifti parse_gifti(const Bytes& file, const std::string& name, uint64_t limit) {
  const auto root = parse_xml({reinterpret_cast<const char*>(file.data()), file.size()}, name);
  if (root->name != "GIFTI") {
    throw DataError(fmt::format("{}: found XML of '{}', expected GIFTI", name, shown(root->name)));
  }
  Gifti out;
  out.metadata = xml_metadata(root->child("MetaData"));
  out.labels = labels_of(root->child("LabelTable"), name);
  for (const XmlNode* node : root->all("DataArray")) {
    const ArrayReader reader(*node, fmt::format("{}: DataArray {}", name, out.arrays.size()));
    out.arrays.push_back(reader.read(limit));
  }
  if (out.arrays.empty()) throw DataError(name + ": found no DataArray, expected one or more");
  return out;
}

Gifti read_gifti(const std::string& path) { return parse_gifti(read_file(path), path); }

Signals gifti_series(const Gifti& gifti, const std::string& name) {
  std::vector<const GiftiArray*> times;
  for (const GiftiArray& a : gifti.arrays) {
    if (a.intent != "NIFTI_INTENT_LABEL" && a.intent != "NIFTI_INTENT_POINTSET" &&
        a.intent != "NIFTI_INTENT_TRIANGLE")
      times.push_back(&a);
  }
  if (times.empty())
    throw DataError(name + ": found labels or coordinates only, expected a time series");
  const std::vector<int64_t>& first = times[0]->shape;
  const bool one = times.size() == 1 && first.size() == 2;
  for (const GiftiArray* a : times) {
    const bool column = a->shape.size() == 1 || (a->shape.size() == 2 && a->shape[1] == 1);
    if (one || (column && a->shape[0] == first[0])) continue;
    throw DataError(fmt::format(
        "{}: found an array of {} dimensions and {} rows, expected one value for each of {} "
        "vertices, or one array [vertex, time]",
        name, a->shape.size(), a->shape[0], first[0]));
  }
  Signals out;
  out.format = "GIFTI";
  out.samples = one ? first[1] : int64_t(times.size());
  out.rate_hz = rate_of(gifti, name);
  for (int64_t v = 0; v < first[0]; ++v) out.names.push_back(fmt::format("vertex {}", v));
  if (one) {
    out.values = times[0]->values;
    return out;
  }
  out.values.resize(size_t(first[0] * out.samples));
  for (size_t t = 0; t < times.size(); ++t) {
    for (size_t v = 0; v < size_t(first[0]); ++v)
      out.values[v * times.size() + t] = times[t]->values[v];
  }
  return out;
}

SurfaceParcels gifti_parcels(const Gifti& gifti, const std::string& name) {
  const GiftiArray* labels = nullptr;
  for (const GiftiArray& a : gifti.arrays) {
    if (a.intent != "NIFTI_INTENT_LABEL") continue;
    if (labels != nullptr) throw DataError(name + ": found several arrays of labels, expected one");
    labels = &a;
  }
  if (labels == nullptr)
    throw DataError(name + ": found no array of intent NIFTI_INTENT_LABEL, expected one");
  SurfaceParcels out;
  for (const auto& [key, text] : gifti.labels) {
    if (key < 0) continue;
    if (out.names.size() <= size_t(key)) out.names.resize(size_t(key) + 1);
    out.names[size_t(key)] = text;
  }
  for (const double key : labels->values) {
    const bool known = key > 0 && key <= kLargestKey && key == std::floor(key) &&
                       gifti.labels.count(int32_t(key)) != 0;
    out.labels.push_back(known ? int32_t(key) : -1);
  }
  return out;
}

}  // namespace tenfold::io
