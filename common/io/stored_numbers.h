// Internal to common/io: arrays of numbers as files hold them, in either byte order.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace tenfold::io {

enum class NumberType { kI8, kU8, kI16, kU16, kI32, kU32, kI64, kU64, kF32, kF64 };

// Bytes of one, and its name: "int16".
uint64_t number_size(NumberType type);
const char* number_name(NumberType type);

// One number of 1, 2, 4 or 8 bytes at `at`.
template <class T>
T stored_number(const uint8_t* at, bool big_endian) {
  uint8_t bytes[sizeof(T)];
  for (size_t i = 0; i < sizeof(T); ++i) bytes[i] = at[big_endian ? sizeof(T) - 1 - i : i];
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// `count` numbers at `from` as float64.
void to_doubles(const uint8_t* from, uint64_t count, NumberType type, bool big_endian, double* out);

// Numbers stored with the first index fastest, as row-major.
std::vector<double> row_major(const std::vector<double>& columns,
                              const std::vector<int64_t>& shape);

}  // namespace tenfold::io
