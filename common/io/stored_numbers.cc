#include "common/io/stored_numbers.h"

namespace tenfold::io {
namespace {

struct Info {
  const char* name;
  uint64_t size;
};

// In the order of NumberType.
constexpr Info kInfos[] = {{"int8", 1},    {"uint8", 1},  {"int16", 2}, {"uint16", 2},
                           {"int32", 4},   {"uint32", 4}, {"int64", 8}, {"uint64", 8},
                           {"float32", 4}, {"float64", 8}};

template <class T>
void convert(const uint8_t* from, uint64_t count, bool big_endian, double* out) {
  for (uint64_t i = 0; i < count; ++i, from += sizeof(T)) {
    out[i] = static_cast<double>(stored_number<T>(from, big_endian));
  }
}

}  // namespace

uint64_t number_size(NumberType type) { return kInfos[static_cast<size_t>(type)].size; }
const char* number_name(NumberType type) { return kInfos[static_cast<size_t>(type)].name; }

void to_doubles(const uint8_t* from, uint64_t count, NumberType type, bool big_endian,
                double* out) {
  switch (type) {
    case NumberType::kI8:
      return convert<int8_t>(from, count, big_endian, out);
    case NumberType::kU8:
      return convert<uint8_t>(from, count, big_endian, out);
    case NumberType::kI16:
      return convert<int16_t>(from, count, big_endian, out);
    case NumberType::kU16:
      return convert<uint16_t>(from, count, big_endian, out);
    case NumberType::kI32:
      return convert<int32_t>(from, count, big_endian, out);
    case NumberType::kU32:
      return convert<uint32_t>(from, count, big_endian, out);
    case NumberType::kI64:
      return convert<int64_t>(from, count, big_endian, out);
    case NumberType::kU64:
      return convert<uint64_t>(from, count, big_endian, out);
    case NumberType::kF32:
      return convert<float>(from, count, big_endian, out);
    case NumberType::kF64:
      return convert<double>(from, count, big_endian, out);
  }
}

std::vector<double> row_major(const std::vector<double>& columns,
                              const std::vector<int64_t>& shape) {
  std::vector<double> out(columns.size());
  std::vector<int64_t> index(shape.size(), 0);
  for (const double value : columns) {
    int64_t at = 0;
    for (size_t d = 0; d < shape.size(); ++d) at = at * shape[d] + index[d];
    out[size_t(at)] = value;
    for (size_t d = 0; d < shape.size() && ++index[d] == shape[d]; ++d) index[d] = 0;
  }
  return out;
}

}  // namespace tenfold::io
