// NumPy's .npy (versions 1-3, little-endian, C or Fortran order) and .npz (zip of .npy, stored or
// deflated).
#pragma once

#include <map>
#include <string>

#include "common/io/safetensors.h"

namespace tenfold::io {

// Fortran order is turned into row-major. Throws DataError; object arrays (pickles) are refused by
// name.
Tensor parse_npy(const Bytes& file, const std::string& name);
Tensor read_npy(const std::string& path);

// By array name, without ".npy". Checksums are verified.
std::map<std::string, Tensor> parse_npz(const Bytes& file, const std::string& name);
std::map<std::string, Tensor> read_npz(const std::string& path);

}  // namespace tenfold::io
