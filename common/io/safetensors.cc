#include "common/io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "common/core/error.h"

namespace tenfold::io {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kLargestHeader = 100'000'000;
constexpr size_t kPrefix = 8;

struct DTypeInfo {
  DType dtype;
  const char* name;
  int64_t size;
};
constexpr DTypeInfo kDTypes[] = {
    {DType::kBool, "BOOL", 1}, {DType::kU8, "U8", 1},   {DType::kI8, "I8", 1},   {DType::kI16, "I16", 2},
    {DType::kU16, "U16", 2},   {DType::kF16, "F16", 2}, {DType::kBF16, "BF16", 2}, {DType::kI32, "I32", 4},
    {DType::kU32, "U32", 4},   {DType::kF32, "F32", 4}, {DType::kF64, "F64", 8}, {DType::kI64, "I64", 8},
    {DType::kU64, "U64", 8},
};

const DTypeInfo& info(DType dtype) {
  for (const DTypeInfo& d : kDTypes) {
    if (d.dtype == dtype) return d;
  }
  return kDTypes[0];
}

// The header as JSON; a name that stands twice is refused, which the parser alone would not do.
Json parse_header(const char* first, const char* last, const std::string& name) {
  std::vector<std::set<std::string>> keys;
  std::string duplicate;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      duplicate = parsed.get<std::string>();
    }
    return true;
  };
  Json header = Json::parse(first, last, watch, false);
  if (!duplicate.empty()) throw DataError(fmt::format("{}: '{}' stands twice in the header", name, duplicate));
  if (!header.is_object()) throw DataError(name + ": the header is no JSON object (expected safetensors)");
  return header;
}

struct Entry {
  std::string name;
  DTypeInfo dtype;
  std::vector<int64_t> shape;
  uint64_t begin, end;
};

DTypeInfo read_dtype(const Json& value, const std::string& where) {
  for (const DTypeInfo& d : kDTypes) {
    if (value.is_string() && value.get_ref<const std::string&>() == d.name) return d;
  }
  throw DataError(fmt::format("{}: dtype is {}, expected F32, F16, I64, ...", where, value.dump()));
}

// Bytes that the shape asks for; refuses what does not fit 63 bits.
uint64_t read_shape(const Json& value, int64_t item, const std::string& where, std::vector<int64_t>& shape) {
  if (!value.is_array()) throw DataError(where + ": shape is no list");
  int64_t total = item;
  for (const Json& d : value) {
    if (!d.is_number_unsigned() || d.get<uint64_t>() > uint64_t{INT64_MAX}) {
      throw DataError(fmt::format("{}: shape holds {}, expected sizes of 0 or more", where, d.dump()));
    }
    shape.push_back(d.get<int64_t>());
    if (__builtin_mul_overflow(total, shape.back(), &total)) {
      throw DataError(where + ": the shape asks for more than 2^63 bytes");
    }
  }
  return static_cast<uint64_t>(total);
}

Entry read_entry(const std::string& key, const Json& value, uint64_t data_size, const std::string& file) {
  const std::string where = fmt::format("{}: tensor '{}'", file, key);
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") || !value.contains("data_offsets")) {
    throw DataError(where + ": expected dtype, shape and data_offsets");
  }
  Entry entry{key, read_dtype(value["dtype"], where), {}, 0, 0};
  const uint64_t bytes = read_shape(value["shape"], entry.dtype.size, where, entry.shape);
  const Json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    throw DataError(where + ": data_offsets must be two numbers of 0 or more");
  }
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  if (entry.begin > entry.end || entry.end > data_size) {
    throw DataError(fmt::format("{}: offsets [{}, {}] lie outside the {} bytes of data (truncated?)", where,
                                entry.begin, entry.end, data_size));
  }
  if (entry.end - entry.begin != bytes) {
    throw DataError(fmt::format("{}: found {} bytes, expected {} from shape and dtype", where,
                                entry.end - entry.begin, bytes));
  }
  return entry;
}

// In the order of the data: no overlap, no hole, nothing left over.
void check_cover(std::vector<Entry>& entries, uint64_t data_size, const std::string& name) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t at = 0;
  for (const Entry& e : entries) {
    if (e.begin != at) {
      throw DataError(fmt::format("{}: tensor '{}' begins at {}, expected {} ({})", name, e.name, e.begin, at,
                                  e.begin < at ? "it overlaps another" : "a hole"));
    }
    at = e.end;
  }
  if (at != data_size) {
    throw DataError(fmt::format("{}: {} bytes of data, but the tensors take {}", name, data_size, at));
  }
}

void read_metadata(const Json& value, const std::string& name, std::map<std::string, std::string>& out) {
  if (!value.is_object()) throw DataError(name + ": __metadata__ is no object");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) throw DataError(fmt::format("{}: __metadata__ '{}' is no text", name, key));
    out[key] = text.get<std::string>();
  }
}

void refuse_pickle(const std::string& path, const Bytes& bytes) {
  const bool zip = bytes.size() > 3 && bytes[0] == 'P' && bytes[1] == 'K' && bytes[2] == 3;
  const bool pickle = bytes.size() > 1 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5;
  const std::string ending = path.substr(std::min(path.size(), path.rfind('.')));
  const bool named = ending == ".pt" || ending == ".pth" || ending == ".bin";
  if (!zip && !named && !(pickle && bytes.size() > kPrefix && bytes[kPrefix] != '{')) return;
  throw DataError(path + ": a pickle, which could run code; save it as safetensors (safetensors.torch.save_file)");
}

template <class T>
Tensor make(DType dtype, std::vector<int64_t> shape, const T* values) {
  Tensor t;
  t.dtype = dtype;
  t.shape = std::move(shape);
  t.data.resize(static_cast<size_t>(t.numel()) * sizeof(T));
  if (!t.data.empty()) std::memcpy(t.data.data(), values, t.data.size());
  return t;
}

template <class T>
const T* typed(const Tensor& t, DType wanted) {
  if (t.dtype == wanted) return reinterpret_cast<const T*>(t.data.data());
  throw DataError(fmt::format("a tensor has dtype {}, expected {}", dtype_name(t.dtype), dtype_name(wanted)));
}

template <class From, class To>
void convert(const Bytes& data, std::vector<To>& out) {
  const From* from = reinterpret_cast<const From*>(data.data());
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<To>(from[i]);
}

}  // namespace

int64_t dtype_size(DType dtype) { return info(dtype).size; }
const char* dtype_name(DType dtype) { return info(dtype).name; }

int64_t Tensor::numel() const {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return n;
}

template <>
const float* Tensor::as<float>() const { return typed<float>(*this, DType::kF32); }
template <>
const double* Tensor::as<double>() const { return typed<double>(*this, DType::kF64); }
template <>
const int32_t* Tensor::as<int32_t>() const { return typed<int32_t>(*this, DType::kI32); }
template <>
const int64_t* Tensor::as<int64_t>() const { return typed<int64_t>(*this, DType::kI64); }
template <>
const uint8_t* Tensor::as<uint8_t>() const { return typed<uint8_t>(*this, DType::kU8); }
template <>
const uint16_t* Tensor::as<uint16_t>() const { return typed<uint16_t>(*this, DType::kF16); }

std::vector<float> Tensor::to_float32(const std::string& name) const {
  std::vector<float> out(static_cast<size_t>(numel()));
  const auto* halves = reinterpret_cast<const uint16_t*>(data.data());
  switch (dtype) {
    case DType::kF32:
      convert<float>(data, out);
      return out;
    case DType::kF64:
      convert<double>(data, out);
      return out;
    case DType::kF16:
      for (size_t i = 0; i < out.size(); ++i) out[i] = half_to_float(halves[i]);
      return out;
    case DType::kBF16:
      for (size_t i = 0; i < out.size(); ++i) out[i] = bfloat16_to_float(halves[i]);
      return out;
    default:
      throw DataError(fmt::format("tensor '{}' has dtype {}, expected F16, BF16, F32 or F64", name, dtype_name(dtype)));
  }
}

std::vector<int64_t> Tensor::to_int64(const std::string& name) const {
  std::vector<int64_t> out(static_cast<size_t>(numel()));
  switch (dtype) {
    case DType::kU8: convert<uint8_t>(data, out); return out;
    case DType::kI8: convert<int8_t>(data, out); return out;
    case DType::kI16: convert<int16_t>(data, out); return out;
    case DType::kU16: convert<uint16_t>(data, out); return out;
    case DType::kI32: convert<int32_t>(data, out); return out;
    case DType::kU32: convert<uint32_t>(data, out); return out;
    case DType::kI64: case DType::kU64: convert<int64_t>(data, out); return out;
    default:
      throw DataError(fmt::format("tensor '{}' has dtype {}, expected integers", name, dtype_name(dtype)));
  }
}

Tensor Tensor::from_float32(std::vector<int64_t> s, const float* v) { return make(DType::kF32, std::move(s), v); }
Tensor Tensor::from_float64(std::vector<int64_t> s, const double* v) { return make(DType::kF64, std::move(s), v); }
Tensor Tensor::from_int32(std::vector<int64_t> s, const int32_t* v) { return make(DType::kI32, std::move(s), v); }
Tensor Tensor::from_int64(std::vector<int64_t> s, const int64_t* v) { return make(DType::kI64, std::move(s), v); }

const Tensor& SafeTensors::at(const std::string& name, const std::string& file) const {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw DataError(fmt::format("{}: no tensor '{}'", file, name));
  return found->second;
}

SafeTensors parse_safetensors(const Bytes& file, const std::string& name) {
  if (file.size() < kPrefix) {
    throw DataError(fmt::format("{}: found {} bytes, expected a safetensors header", name, file.size()));
  }
  uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), kPrefix);
  if (header_size > kLargestHeader || header_size > file.size() - kPrefix) {
    throw DataError(fmt::format("{}: the header takes {} bytes, expected at most {} (truncated, or no safetensors)",
                                name, header_size, std::min<uint64_t>(kLargestHeader, file.size() - kPrefix)));
  }
  const char* first = reinterpret_cast<const char*>(file.data()) + kPrefix;
  const Json header = parse_header(first, first + header_size, name);
  const uint64_t data_size = file.size() - kPrefix - header_size;
  SafeTensors out;
  std::vector<Entry> entries;
  for (const auto& [key, value] : header.items()) {
    if (key == "__metadata__") {
      read_metadata(value, name, out.metadata);
    } else {
      entries.push_back(read_entry(key, value, data_size, name));
    }
  }
  check_cover(entries, data_size, name);
  const auto data = file.begin() + static_cast<int64_t>(kPrefix + header_size);
  for (Entry& e : entries) {
    Tensor& t = out.tensors[e.name];
    t.dtype = e.dtype.dtype;
    t.shape = std::move(e.shape);
    t.data.assign(data + static_cast<int64_t>(e.begin), data + static_cast<int64_t>(e.end));
  }
  return out;
}

SafeTensors read_safetensors(const std::string& path) {
  const Bytes bytes = read_file(path);
  refuse_pickle(path, bytes);
  return parse_safetensors(bytes, path);
}

Bytes serialize_safetensors(const SafeTensors& contents) {
  Json header = Json::object();
  if (!contents.metadata.empty()) header["__metadata__"] = contents.metadata;
  uint64_t at = 0;
  for (const auto& [name, t] : contents.tensors) {
    header[name] = {{"dtype", dtype_name(t.dtype)}, {"shape", t.shape}, {"data_offsets", {at, at + t.data.size()}}};
    at += t.data.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t header_size = text.size();
  Bytes out(kPrefix);
  std::memcpy(out.data(), &header_size, kPrefix);
  out.reserve(kPrefix + text.size() + at);
  out.insert(out.end(), text.begin(), text.end());
  for (const auto& [name, t] : contents.tensors) out.insert(out.end(), t.data.begin(), t.data.end());
  return out;
}

void write_safetensors(const std::string& path, const SafeTensors& contents) {
  const Bytes bytes = serialize_safetensors(contents);
  write_file_atomic(path, bytes.data(), bytes.size());
}

float half_to_float(uint16_t half) {
  const uint32_t sign = uint32_t{half & 0x8000u} << 16, exponent = (half >> 10) & 31, mantissa = half & 0x3ffu;
  float value = 0;
  uint32_t bits = sign | 0x7f800000u | mantissa << 13;  // inf and NaN
  if (exponent == 0) {
    value = static_cast<float>(mantissa) * 0x1.0p-24f;
    std::memcpy(&bits, &value, sizeof bits);
    bits |= sign;
  } else if (exponent < 31) {
    bits = sign | (exponent + 112) << 23 | mantissa << 13;
  }
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

uint16_t float_to_half(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // rounds beyond 65504
  if (magnitude < 0x38800000u) {  // subnormal: adding 0.5 rounds at 2^-24, to even
    float shifted = 0;
    std::memcpy(&shifted, &magnitude, sizeof shifted);
    shifted += 0.5f;
    uint32_t rounded = 0;
    std::memcpy(&rounded, &shifted, sizeof rounded);
    return static_cast<uint16_t>(sign | (rounded - 0x3f000000u));
  }
  const uint32_t odd = magnitude >> 13 & 1;
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

float bfloat16_to_float(uint16_t value) {
  const uint32_t bits = uint32_t{value} << 16;
  float out = 0;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}

}  // namespace tenfold::io
