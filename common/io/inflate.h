// Internal to common/io: one deflate stream of zlib, as gzip and zip hold it.
#pragma once

#include <cstdint>
#include <string>

#include "common/io/file.h"

namespace tenfold::io {

constexpr int kGzipWindow = 15 + 16;  // zlib's words for gzip framing, checksum verified
constexpr int kRawWindow = -15;       // deflate without a frame

enum class InflateEnd { kComplete, kTruncated, kDamaged, kTooLarge };

struct Inflated {
  InflateEnd end;
  uint64_t consumed;  // bytes of the input
  std::string fault;  // zlib's words where the end is kDamaged
};

// Appends the unpacked stream to `out`, which never grows beyond `limit` bytes.
Inflated inflate_stream(const uint8_t* in, uint64_t size, int window, uint64_t limit, Bytes& out);

}  // namespace tenfold::io
