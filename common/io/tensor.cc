#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "common/core/error.h"
#include "common/io/safetensors.h"
#include "common/io/shape.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

struct DTypeInfo {
  const char* name;
  int64_t size;
};

// In the order of DType.
constexpr DTypeInfo kDTypes[] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"I16", 2}, {"U16", 2}, {"F16", 2}, {"BF16", 2},
    {"I32", 4},  {"U32", 4}, {"F32", 4}, {"F64", 8}, {"I64", 8}, {"U64", 8},
};
static_assert(std::size(kDTypes) == static_cast<size_t>(DType::kU64) + 1);

template <class T>
constexpr DType kDTypeOf = DType::kF32;
template <>
constexpr DType kDTypeOf<bool> = DType::kBool;
template <>
constexpr DType kDTypeOf<uint8_t> = DType::kU8;
template <>
constexpr DType kDTypeOf<uint16_t> = DType::kU16;
template <>
constexpr DType kDTypeOf<int32_t> = DType::kI32;
template <>
constexpr DType kDTypeOf<int64_t> = DType::kI64;
template <>
constexpr DType kDTypeOf<double> = DType::kF64;

template <class T>
Tensor make(std::vector<int64_t> shape, const T* values) {
  Tensor t;
  t.dtype = kDTypeOf<T>;
  t.shape = std::move(shape);
  t.data.resize(static_cast<size_t>(t.numel()) * sizeof(T));
  if (!t.data.empty()) std::memcpy(t.data.data(), values, t.data.size());
  return t;
}

template <class From, class To, class Convert>
std::vector<To> converted(const Bytes& data, Convert convert) {
  std::vector<To> out(data.size() / sizeof(From));
  const From* from = reinterpret_cast<const From*>(data.data());
  std::transform(from, from + out.size(), out.begin(), convert);
  return out;
}

template <class From>
std::vector<int64_t> widened(const Bytes& data) {
  return converted<From, int64_t>(data, [](From v) { return static_cast<int64_t>(v); });
}

}  // namespace

int64_t dtype_size(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].size; }
const char* dtype_name(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }

uint64_t shape_bytes(DType dtype, const std::vector<int64_t>& shape, const std::string& where) {
  int64_t total = dtype_size(dtype);
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(total, size, &total)) {
      throw DataError(where + ": the shape asks for 2^63 bytes or more");
    }
  }
  return static_cast<uint64_t>(total);
}

int64_t Tensor::numel() const {
  int64_t n = 1;
  for (const int64_t size : shape) n *= size;
  return n;
}

template <class T>
const T* Tensor::as() const {
  const bool raw_half = std::is_same_v<T, uint16_t> && dtype == DType::kF16;
  if (dtype != kDTypeOf<T> && !raw_half) {
    throw DataError(fmt::format("a tensor has dtype {}, expected {}", dtype_name(dtype),
                                dtype_name(kDTypeOf<T>)));
  }
  // Another value in a bool is undefined behaviour.
  if (std::is_same_v<T, bool> &&
      std::any_of(data.begin(), data.end(), [](auto b) { return b > 1; })) {
    throw DataError("a tensor of dtype BOOL holds other bytes, expected 0 and 1");
  }
  return reinterpret_cast<const T*>(data.data());
}

template const bool* Tensor::as<bool>() const;
template const uint8_t* Tensor::as<uint8_t>() const;
template const uint16_t* Tensor::as<uint16_t>() const;
template const int32_t* Tensor::as<int32_t>() const;
template const int64_t* Tensor::as<int64_t>() const;
template const float* Tensor::as<float>() const;
template const double* Tensor::as<double>() const;

std::vector<float> Tensor::to_float32(const std::string& name) const {
  switch (dtype) {
    case DType::kF32:
      return converted<float, float>(data, [](float v) { return v; });
    case DType::kF64:
      return converted<double, float>(data, [](double v) { return static_cast<float>(v); });
    case DType::kF16:
      return converted<uint16_t, float>(data, half_to_float);
    case DType::kBF16:
      return converted<uint16_t, float>(data, bfloat16_to_float);
    default:
      throw DataError(fmt::format("tensor '{}': found dtype {}, expected F16, BF16, F32 or F64",
                                  shown(name), dtype_name(dtype)));
  }
}

std::vector<int64_t> Tensor::to_int64(const std::string& name) const {
  switch (dtype) {
    case DType::kU8:
      return widened<uint8_t>(data);
    case DType::kI8:
      return widened<int8_t>(data);
    case DType::kI16:
      return widened<int16_t>(data);
    case DType::kU16:
      return widened<uint16_t>(data);
    case DType::kI32:
      return widened<int32_t>(data);
    case DType::kU32:
      return widened<uint32_t>(data);
    case DType::kI64:
      return widened<int64_t>(data);
    case DType::kU64:
      return converted<uint64_t, int64_t>(data, [&](uint64_t v) {
        if (v <= uint64_t{INT64_MAX}) return static_cast<int64_t>(v);
        throw DataError(
            fmt::format("tensor '{}': found {}, expected at most 2^63-1", shown(name), v));
      });
    default:
      throw DataError(fmt::format("tensor '{}': found dtype {}, expected integers", shown(name),
                                  dtype_name(dtype)));
  }
}

Tensor Tensor::from_float32(std::vector<int64_t> shape, const float* values) {
  return make(std::move(shape), values);
}
Tensor Tensor::from_float64(std::vector<int64_t> shape, const double* values) {
  return make(std::move(shape), values);
}
Tensor Tensor::from_int32(std::vector<int64_t> shape, const int32_t* values) {
  return make(std::move(shape), values);
}
Tensor Tensor::from_int64(std::vector<int64_t> shape, const int64_t* values) {
  return make(std::move(shape), values);
}

}  // namespace tenfold::io
