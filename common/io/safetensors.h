// safetensors files: 8-byte little-endian header length, JSON header, one contiguous data section.
// The reader keeps to the format's limits: header at most 100,000,000 bytes, offsets inside the
// data, in order, without overlap or hole, sizes equal to shape times dtype, no duplicate names.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

enum class DType { kBool, kU8, kI8, kI16, kU16, kF16, kBF16, kI32, kU32, kF32, kF64, kI64, kU64 };
int64_t dtype_size(DType dtype);
const char* dtype_name(DType dtype);  // "F32", as in the header

struct Tensor {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  Bytes data;  // row-major, little-endian

  int64_t numel() const;
  // Elements as T: bool, uint8_t, int32_t, int64_t, float, double, or uint16_t (U16, and F16 as its
  // bits). Throws DataError unless `dtype` is exactly T's (F16 and BF16 become float through
  // `to_float32`) and for a BOOL other than 0 and 1.
  template <class T>
  const T* as() const;
  std::vector<float> to_float32(const std::string& name) const;  // F16, BF16, F32, F64
  std::vector<int64_t> to_int64(const std::string& name) const;  // any integer type

  static Tensor from_float32(std::vector<int64_t> shape, const float* values);
  static Tensor from_float64(std::vector<int64_t> shape, const double* values);
  static Tensor from_int32(std::vector<int64_t> shape, const int32_t* values);
  static Tensor from_int64(std::vector<int64_t> shape, const int64_t* values);
};

struct SafeTensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;

  bool has(const std::string& name) const { return tensors.count(name) != 0; }
  // Throws DataError naming `file` and the tensor when it is absent.
  const Tensor& at(const std::string& name, const std::string& file) const;
};

// `name` stands in messages. Throws DataError for anything the format forbids.
SafeTensors parse_safetensors(const Bytes& file, const std::string& name);

// Throws MissingInput, DataError; refuses pickles (.pt, .pth, .bin, a zip or pickle magic) by name
// with advice.
SafeTensors read_safetensors(const std::string& path);

// The same contents give the same bytes: names in order, header padded to 8 bytes. Throws DataError
// for a name that is not UTF-8, NumericError for a tensor whose data do not fit its shape.
Bytes serialize_safetensors(const SafeTensors& contents);
void write_safetensors(const std::string& path, const SafeTensors& contents);  // atomic

float half_to_float(uint16_t half);
uint16_t float_to_half(float value);  // round to nearest even; inf beyond the range
float bfloat16_to_float(uint16_t value);

}  // namespace tenfold::io
