// Internal to common/io: the JSON header of a safetensors file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/io/safetensors.h"

namespace tenfold::io {

struct HeaderEntry {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  uint64_t begin, end;  // offsets as written: not yet compared with the data or with the shape
};

struct Header {
  std::vector<HeaderEntry> entries;
  std::map<std::string, std::string> metadata;
};

// `file` stands in messages. Throws DataError for bad JSON, a name or field that stands twice, an
// unknown field or dtype, and numbers that are not integers of 0 to 2^63-1.
Header parse_safetensors_header(const char* text, uint64_t size, const std::string& file);

// The header of tensors laid out in the order of their names, padded to 8 bytes.
// Throws DataError for a name that is not UTF-8 and NumericError for a tensor whose data do not fit
// its shape.
std::string safetensors_header_text(const SafeTensors& contents);

}  // namespace tenfold::io
