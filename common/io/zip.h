// Internal to common/io: zip archives in memory, as numpy.savez writes them.
#pragma once

#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

struct ZipMember {
  std::string name;
  uint16_t flags, method;  // 0: stored, 8: deflated
  uint32_t crc;
  uint64_t packed, size, header;  // bytes in the file, bytes unpacked, offset of the local header
};

// The central directory, with zip64. `name` stands in messages. Throws DataError when it is
// damaged.
std::vector<ZipMember> list_zip(const Bytes& file, const std::string& name);

// One member, its size and CRC-32 verified. Throws DataError; sizes are checked before allocation.
Bytes unpack_zip(const Bytes& file, const ZipMember& member, const std::string& name);

}  // namespace tenfold::io
