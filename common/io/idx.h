// IDX files (the MNIST format): big-endian magic 0x00000803 (images) or 0x00000801 (labels),
// big-endian int32 counts, then bytes; plain or gzip.
#pragma once

#include <cstdint>
#include <string>

#include "common/io/file.h"

namespace tenfold::io {

struct IdxImages {
  int64_t count = 0, rows = 0, columns = 0;
  Bytes pixels;  // [count, rows, columns]
};

struct IdxLabels {
  Bytes labels;  // [count]
};

// Throw DataError for a wrong magic (naming what was found), counts that do not match the length
// ("truncated after 12,345 of 47,040,016 bytes (expected IDX images); download it again"), or more
// than 2^31 bytes.
IdxImages parse_idx_images(const Bytes& file, const std::string& name);
IdxLabels parse_idx_labels(const Bytes& file, const std::string& name);

IdxImages read_idx_images(const std::string& path);
IdxLabels read_idx_labels(const std::string& path);

}  // namespace tenfold::io
