#include "common/io/hash.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <memory>
#include <new>
#include <vector>

#include "common/io/descriptor.h"

namespace tenfold::io {
namespace {

constexpr size_t kBlock = size_t{1} << 20;

std::string hex(const XXH128_hash_t& h) { return fmt::format("{:016x}{:016x}", h.high64, h.low64); }

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

std::string xxh3_hex(const void* data, uint64_t size) { return hex(XXH3_128bits(data, size)); }

std::string xxh3_file(const std::string& path) {
  const Descriptor file = open_input(path);
  const std::unique_ptr<XXH3_state_t, FreeState> state(XXH3_createState());
  if (state == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state.get());
  std::vector<char> block(kBlock);
  while (const size_t n = read_some(file, block.data(), block.size(), path)) {
    XXH3_128bits_update(state.get(), block.data(), n);
  }
  return hex(XXH3_128bits_digest(state.get()));
}

}  // namespace tenfold::io
