#include "common/io/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "common/core/error.h"

namespace tenfold::io {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib: the largest window, gzip framing

struct Inflater {
  explicit Inflater(const std::string& name) {
    if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw IoError(name + ": zlib cannot start");
  }
  ~Inflater() { inflateEnd(&stream); }
  z_stream stream{};
};

}  // namespace

Bytes gunzip(const Bytes& compressed, const std::string& name, uint64_t limit) {
  Inflater inflater(name);
  z_stream& z = inflater.stream;
  z.next_in = const_cast<Bytef*>(compressed.data());
  z.avail_in = static_cast<uInt>(compressed.size());
  if (compressed.size() > UINT32_MAX) throw DataError(name + ": larger than 4 GiB");
  Bytes out;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    const size_t done = out.size();
    if (done > limit) throw DataError(fmt::format("{}: unpacks to more than {} bytes", name, limit));
    out.resize(done + std::max<size_t>(1 << 16, done / 2));
    z.next_out = out.data() + done;
    z.avail_out = static_cast<uInt>(std::min<size_t>(out.size() - done, 1u << 30));
    status = inflate(&z, Z_NO_FLUSH);
    out.resize(static_cast<size_t>(z.next_out - out.data()));
    if (status == Z_STREAM_END) break;
    if (status == Z_BUF_ERROR || (status == Z_OK && z.avail_in == 0 && z.avail_out > 0)) {
      throw DataError(fmt::format("{}: truncated: the gzip data end after {} unpacked bytes; download it again", name,
                                  out.size()));
    }
    if (status != Z_OK) {
      throw DataError(fmt::format("{}: damaged gzip data after {} unpacked bytes ({}); download it again", name,
                                  out.size(), z.msg != nullptr ? z.msg : "unknown fault"));
    }
  }
  if (z.avail_in != 0) {
    throw DataError(fmt::format("{}: {} bytes follow the end of the gzip data", name, z.avail_in));
  }
  return out;
}

Bytes read_maybe_gzip(const std::string& path, uint64_t limit) {
  Bytes bytes = read_file(path, limit);
  if (bytes.size() < 2 || bytes[0] != 0x1f || bytes[1] != 0x8b) return bytes;
  return gunzip(bytes, path, limit);
}

}  // namespace tenfold::io
