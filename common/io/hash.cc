#include "common/io/hash.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include "common/core/error.h"

namespace tenfold::io {

namespace {

constexpr size_t kBlock = 1 << 20;

std::string hex(const XXH128_hash_t& h) { return fmt::format("{:016x}{:016x}", h.high64, h.low64); }

}  // namespace

std::string xxh3_hex(const void* data, uint64_t size) { return hex(XXH3_128bits(data, size)); }

std::string xxh3_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw MissingInput(fmt::format("{}: {}", path, std::strerror(errno)));
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::vector<char> block(kBlock);
  while (file.read(block.data(), kBlock) || file.gcount() > 0) {
    XXH3_128bits_update(state.get(), block.data(), static_cast<size_t>(file.gcount()));
  }
  if (file.bad()) throw IoError(path + ": reading failed");
  return hex(XXH3_128bits_digest(state.get()));
}

}  // namespace tenfold::io
