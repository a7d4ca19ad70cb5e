#include "common/io/npy.h"

#include <fmt/format.h>

#include <cstring>

#include "common/core/error.h"
#include "common/io/npy_header.h"
#include "common/io/shape.h"
#include "common/io/text.h"
#include "common/io/zip.h"

namespace tenfold::io {
namespace {

constexpr char kMagic[] = "\x93NUMPY";
constexpr uint64_t kMagicSize = 6, kVersionEnd = 8;
constexpr uint64_t kLargestArchive = uint64_t{1} << 35;  // unpacked: members may share bytes

// Where the dictionary begins and ends.
struct Span {
  uint64_t begin, end;
};

Span header_span(const Bytes& file, const std::string& name) {
  if (file.size() < kVersionEnd || std::memcmp(file.data(), kMagic, kMagicSize) != 0) {
    throw DataError(fmt::format("{}: found {} bytes without NumPy's magic, expected .npy", name,
                                grouped(file.size())));
  }
  const int version = file[kMagicSize];
  if (version < 1 || version > 3) {
    throw DataError(fmt::format("{}: found npy version {}, expected 1 to 3", name, version));
  }
  const uint64_t begin = kVersionEnd + (version == 1 ? 2 : 4);
  if (file.size() < begin) throw DataError(name + ": truncated within the npy header");
  uint32_t size = 0;
  std::memcpy(&size, file.data() + kVersionEnd, begin - kVersionEnd);
  if (size > file.size() - begin) throw DataError(name + ": truncated within the npy header");
  return {begin, begin + size};
}

// Column-major `from` as row-major: walks the output in order, an index and its source offset
// along.
Bytes row_major(const uint8_t* from, const std::vector<int64_t>& shape, int64_t item,
                uint64_t bytes) {
  Bytes out(bytes);
  std::vector<int64_t> index(shape.size(), 0), stride(shape.size(), item);
  for (size_t d = 1; d < shape.size(); ++d) stride[d] = stride[d - 1] * shape[d - 1];
  int64_t source = 0;
  for (uint64_t at = 0; at < bytes; at += static_cast<uint64_t>(item)) {
    std::memcpy(out.data() + at, from + source, static_cast<size_t>(item));
    for (size_t d = shape.size(); d-- > 0;) {
      source += stride[d];
      if (++index[d] < shape[d]) break;
      source -= stride[d] * shape[d];
      index[d] = 0;
    }
  }
  return out;
}

}  // namespace

Tensor parse_npy(const Bytes& file, const std::string& name) {
  const Span span = header_span(file, name);
  const char* text = reinterpret_cast<const char*>(file.data()) + span.begin;
  NpyHeader header = parse_npy_header({text, span.end - span.begin}, name);
  const uint64_t wanted = shape_bytes(header.dtype, header.shape, name),
                 found = file.size() - span.end;
  if (found != wanted) {
    throw DataError(fmt::format("{}: found {} bytes of numbers, expected {} from shape and dtype{}",
                                name, grouped(found), grouped(wanted),
                                found < wanted ? " (truncated)" : ""));
  }
  Tensor out;
  out.dtype = header.dtype;
  const uint8_t* data = file.data() + span.end;
  out.data = header.fortran_order ? row_major(data, header.shape, dtype_size(header.dtype), wanted)
                                  : Bytes(data, data + wanted);
  out.shape = std::move(header.shape);
  return out;
}

Tensor read_npy(const std::string& path) { return parse_npy(read_file(path), path); }

std::map<std::string, Tensor> parse_npz(const Bytes& file, const std::string& name) {
  std::map<std::string, Tensor> arrays;
  uint64_t total = 0;
  for (const ZipMember& member : list_zip(file, name)) {
    std::string key = member.name;
    if (key.size() > 4 && key.substr(key.size() - 4) == ".npy") key.resize(key.size() - 4);
    if (arrays.count(key) != 0) {
      throw DataError(fmt::format("{}: '{}' stands twice in the archive", name, shown(key)));
    }
    if (member.size > kLargestArchive - total) {
      throw DataError(
          fmt::format("{}: unpacks to more than {} bytes", name, grouped(kLargestArchive)));
    }
    total += member.size;
    const Bytes bytes = unpack_zip(file, member, name);
    arrays.emplace(key, parse_npy(bytes, fmt::format("{}: '{}'", name, shown(key))));
  }
  return arrays;
}

std::map<std::string, Tensor> read_npz(const std::string& path) {
  return parse_npz(read_file(path), path);
}

}  // namespace tenfold::io
