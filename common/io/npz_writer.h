// Writing NumPy's .npz: a zip archive of stored .npy members, as numpy.savez makes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/safetensors.h"

namespace tenfold::io {

struct NpzArray {
  std::string name;  // without .npy
  DType dtype;
  std::vector<int64_t> shape;
  const void* data;  // as many bytes as shape and dtype say
};

// Atomic. Arrays and archive may be larger than 4 GiB (zip64). Throws as write_file_atomic.
void write_npz(const std::string& path, const std::vector<NpzArray>& arrays);

}  // namespace tenfold::io
