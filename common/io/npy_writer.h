// Writing NumPy's .npy: version 1.0, little-endian, C order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/safetensors.h"

namespace tenfold::io {

// What stands before the numbers, padded as NumPy pads it: to a multiple of 64 bytes. Throws
// DataError for BF16, which NumPy has not. At most 64 dimensions.
std::string npy_head(DType dtype, const std::vector<int64_t>& shape);

// Atomic; `data` holds as many bytes as shape and dtype say. Throws as write_file_atomic.
void write_npy(const std::string& path, DType dtype, const std::vector<int64_t>& shape,
               const void* data);

}  // namespace tenfold::io
