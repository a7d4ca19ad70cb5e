// gzip files (RFC 1952) as a whole, checksum and length verified.
#pragma once

#include <string>

#include "common/core/error.h"
#include "common/io/file.h"

namespace tenfold::io {

// What gunzip throws when the file ends too early; `unpacked` came out before.
struct TruncatedGzip : DataError {
  TruncatedGzip(const std::string& message, Bytes bytes)
      : DataError(message), unpacked(std::move(bytes)) {}
  Bytes unpacked;
};

// Decompresses `compressed`, which may hold several members. `name` stands in messages. Throws
// DataError when it is truncated (TruncatedGzip, telling how many bytes came out), damaged,
// followed by garbage, or larger than `limit` when unpacked.
Bytes gunzip(const Bytes& compressed, const std::string& name, uint64_t limit = uint64_t{1} << 33);

// The contents of `path`, decompressed when they begin with the gzip magic.
Bytes read_maybe_gzip(const std::string& path, uint64_t limit = uint64_t{1} << 33);

}  // namespace tenfold::io
