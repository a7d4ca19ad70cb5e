// Internal to common/io: the dictionary at the head of a .npy file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/io/safetensors.h"

namespace tenfold::io {

struct NpyHeader {
  DType dtype = DType::kF32;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

// Reads "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", the three keys in any order.
// Throws DataError; structured, big-endian and object arrays are refused by name.
NpyHeader parse_npy_header(std::string_view text, const std::string& file);

// "f4" for float32. Throws DataError for BF16, which NumPy has not.
std::string npy_code(DType dtype);

}  // namespace tenfold::io
