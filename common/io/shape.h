// Internal to common/io: how many bytes a tensor takes.
#pragma once

#include <string>
#include <vector>

#include "common/io/safetensors.h"

namespace tenfold::io {

// Throws DataError, which begins with `where`, for 2^63 bytes or more. Sizes are 0 or more.
uint64_t shape_bytes(DType dtype, const std::vector<int64_t>& shape, const std::string& where);

}  // namespace tenfold::io
