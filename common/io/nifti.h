// NIfTI-1 and NIfTI-2 images in one file (.nii, .nii.gz) in either byte order (specification of
// samba-align, section 2.2). An own reader: libniftiio takes memory before it checks sizes, and
// CIFTI-2 needs NIfTI-2 with its extensions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

struct NiftiExtension {
  int32_t code = 0;
  Bytes data;
};

// From voxel indices to mm: rows x, y, z; the last column is the origin.
using Affine = std::array<std::array<double, 4>, 3>;

struct NiftiHeader {
  int version = 1;  // or 2
  bool big_endian = false;
  int32_t datatype = 0;        // NIfTI's code
  std::string dtype;           // "int16", "float32", ...
  std::vector<int64_t> shape;  // the first varies fastest; 1 to 7 numbers
  std::array<double, 8> pixdim{};
  int32_t units = 0;            // xyzt_units
  double slope = 1, inter = 0;  // 1 and 0 where the file asks for no scaling
  uint64_t data_offset = 0;     // bytes before the numbers
  Affine affine{};
  std::string affine_from;  // "sform", "qform" or "pixdim" where the file has neither
  std::vector<NiftiExtension> extensions;

  int64_t count() const;  // numbers in all
};

struct NiftiImage {
  NiftiHeader header;
  std::vector<double> values;  // stored * slope + inter, in the order of the file
};

// `file` is unpacked already; `name` stands in messages. Throw DataError: no NIfTI file, a pair of
// .hdr and .img, complex, colour or 128-bit numbers, truncated, sizes that do not fit. Sizes are
// checked against the file before memory is taken.
NiftiHeader parse_nifti_header(const Bytes& file, const std::string& name);
NiftiImage parse_nifti(const Bytes& file, const std::string& name);
NiftiImage read_nifti(const std::string& path);  // also gzipped

// Whether the first bytes are those of a NIfTI header.
bool is_nifti(const Bytes& file);

// Seconds between two volumes: pixdim[4] in the unit that the file names, seconds where it names
// none; 0 where pixdim[4] is 0. Throws DataError for more than 30 s, or less than 0.
double nifti_tr(const NiftiHeader& header, const std::string& name);

}  // namespace tenfold::io
