#include "common/io/gzip.h"

#include <fmt/format.h>

#include "common/io/inflate.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

bool has_magic(const Bytes& file, uint64_t at) {
  return file.size() - at >= 2 && file[at] == 0x1f && file[at + 1] == 0x8b;
}

void check(const Inflated& result, const std::string& name, uint64_t limit, Bytes& out) {
  const std::string count = grouped(out.size());
  switch (result.end) {
    case InflateEnd::kComplete:
      return;
    case InflateEnd::kTooLarge:
      throw DataError(fmt::format("{}: unpacks to more than {} bytes", name, grouped(limit)));
    case InflateEnd::kTruncated:
      throw TruncatedGzip(
          fmt::format("{}: truncated: the gzip data end after {} unpacked bytes; download it again",
                      name, count),
          std::move(out));
    case InflateEnd::kDamaged:
      throw DataError(
          fmt::format("{}: damaged gzip data after {} unpacked bytes ({}); download it "
                      "again",
                      name, count, result.fault));
  }
}

}  // namespace

Bytes gunzip(const Bytes& compressed, const std::string& name, uint64_t limit) {
  Bytes out;
  uint64_t at = 0;
  do {
    const Inflated result =
        inflate_stream(compressed.data() + at, compressed.size() - at, kGzipWindow, limit, out);
    check(result, name, limit, out);
    at += result.consumed;
  } while (has_magic(compressed, at));
  if (at != compressed.size()) {
    throw DataError(fmt::format("{}: {} bytes follow the end of the gzip data, expected none", name,
                                grouped(compressed.size() - at)));
  }
  return out;
}

Bytes read_maybe_gzip(const std::string& path, uint64_t limit) {
  Bytes bytes = read_file(path, limit);
  return has_magic(bytes, 0) ? gunzip(bytes, path, limit) : bytes;
}

}  // namespace tenfold::io
