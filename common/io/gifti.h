// GIFTI surface files (specification of samba-align, section 2.2): time series (.func.gii) and
// parcels (.label.gii), as text, base64 or compressed base64 in either byte order.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/io/file.h"
#include "common/io/freesurfer_annot.h"
#include "common/io/signals.h"

namespace tenfold::io {

struct GiftiArray {
  std::string intent;          // "NIFTI_INTENT_TIME_SERIES", ...
  std::vector<int64_t> shape;  // 1 or more
  std::vector<double> values;  // row-major, whatever the file's order
  std::map<std::string, std::string> metadata;
};

struct Gifti {
  std::vector<GiftiArray> arrays;
  std::map<int32_t, std::string> labels;  // of the table, by key
  std::map<std::string, std::string> metadata;
};

// Throw DataError: not well formed, sizes that do not fit, data in another file, more than `limit`
// bytes of values in all.
Gifti parse_gifti(const Bytes& file, const std::string& name, uint64_t limit = uint64_t{1} << 34);
Gifti read_gifti(const std::string& path);

// [vertices, times]: an array a time, or one array [vertex, time]. `rate_hz` is 1 over the metadata
// TimeStep (ms), 0 where that is not there. Throws DataError where arrays differ in length or there
// is nothing else but labels or coordinates.
Signals gifti_series(const Gifti& gifti, const std::string& name);

// Of the one array of labels: key 0 and keys that are not in the table are no parcel; a name's
// place is its key. Throws DataError where there is none or several.
SurfaceParcels gifti_parcels(const Gifti& gifti, const std::string& name);

}  // namespace tenfold::io
