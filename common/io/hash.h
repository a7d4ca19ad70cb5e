// Content digests (xxh3, 128 bits, lower-case hexadecimal): they detect damage, not malice.
#pragma once

#include <cstdint>
#include <string>

namespace tenfold::io {

std::string xxh3_hex(const void* data, uint64_t size);

// The digest of a file, read in blocks. Throws MissingInput or IoError.
std::string xxh3_file(const std::string& path);

}  // namespace tenfold::io
