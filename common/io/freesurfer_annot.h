// FreeSurfer's .annot files: a parcel for each vertex of a hemisphere's surface (specification of
// samba-align, section 2.2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

struct SurfaceParcels {
  std::vector<int32_t> labels;     // of each vertex: an index into names; -1: no parcel
  std::vector<std::string> names;  // "" where the table leaves an index out
};

// Throws DataError: truncated, another version of the table, vertices or indices that are out of
// range or stand twice, bytes behind the table.
SurfaceParcels parse_annot(const Bytes& file, const std::string& name);
SurfaceParcels read_annot(const std::string& path);

}  // namespace tenfold::io
